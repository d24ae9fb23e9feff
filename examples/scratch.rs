#![allow(missing_docs, clippy::all, clippy::print_stdout, clippy::unwrap_used)]
use mesos_repl::{client::Address, document::*, engine::*};
struct Out(Option<Document>);
impl Output for Out {
    fn show(&mut self, d: Document) {
        print(&d)
    }
    fn live(&mut self, d: Document) {
        self.0 = Some(d)
    }
    fn settle(&mut self) {
        if let Some(d) = self.0.take() {
            print(&d)
        }
    }
    fn waiting(&mut self, _w: &str, _e: std::time::Duration) {}
}
fn print(d: &Document) {
    let page = mesos_repl::render::Page::plain(110);
    print!("{}", mesos_repl::render::ansi(d, &page));
}
#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let target = Target { address: Address::parse(&args[1]).unwrap(), label: None, embedded: false };
    let engine = Engine::start(target, Options::default()).unwrap();
    for text in &args[2..] {
        println!("> {text}");
        let text = if text.contains("$O") {
            let id = engine.session().read(|s| s.offers.ids().next().map(|i| i.to_string()).unwrap_or_default());
            text.replace("$O", &id)
        } else {
            text.clone()
        };
        let t = std::time::Instant::now();
        let outcome = engine.execute(&text, &mut Out(None), &Default::default()).await;
        println!("  [{outcome:?} {:?}]", t.elapsed());
    }
    engine.close().await;
}
