"""jupyter_kernel_test, told what this kernel can do: everything."""

import jupyter_kernel_test as jkt


class MesosTests(jkt.KernelTests):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # On a busy machine Rust may take longer to start than the suite waits for a cell.
        cls.kc.execute_interactive("1", timeout=600, output_hook=lambda message: None)

    def execute_helper(self, code, timeout=600, **options):
        return super().execute_helper(code, timeout=timeout, **options)

    kernel_name = "mesos"
    language_name = "rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("to stderr");'
    completion_samples = [{"text": "subsc", "matches": ["subscribe"]}, {"text": "teard", "matches": ["teardown"]}]
    complete_code_samples = ["subscribe", "let x = 1;", '{"type": "REVIVE"}', "1+1"]
    incomplete_code_samples = ["fn f() {", '{"type":', "run --cmd 'a"]
    invalid_code_samples = ["f(}", "let x = (];"]
    code_inspect_sample = "subscribe"
    code_page_something = "subscribe?"
    code_generate_error = "acept O0"
    code_execute_result = [
        {"code": "1+2", "result": "3"},
        {"code": "2+2", "result": "4"},
        {"code": "1+2", "result": "3"},
        {"code": "3+3", "result": "6"},
    ]
    code_display_data = [{"code": "tasks\nversion", "mime": "text/html"}]
    code_clear_output = "%clear"
    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "1?2*"


class MesosIopubWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "mesos"
    support_iopub_welcome = True
