#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mesos_repl_fuzz::engine::zk_node(data));
