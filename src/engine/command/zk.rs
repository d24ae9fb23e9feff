//! `zk`: looks into ZooKeeper.

use super::prelude::*;
use crate::detect::Url;
use crate::engine::masters::{self, Look};

command! {
    Verb {
        summary: "look into ZooKeeper: list, read, or describe a node",
        about: "The ZooKeeper that the session is found through is asked, or the one that --server names. Masters' nodes are \
                shown as JSON, the protobuf of masters before 0.24 too. Nothing is changed there.",
        positionals: &[
            Positional::one("what", Kind::Choice(&["ls", "get", "stat"]), "ls, get or stat"),
            Positional::optional("path", Kind::Text, "the node; the masters' own path otherwise"),
        ],
        options: &[
            Opt::value("server", "HOST:PORT", Kind::Text, "this ZooKeeper, several servers with commas").short('s'),
            Opt::switch("stat", "with get: what is known of the node beside its data"),
        ],
        examples: &[
            Example::new("zk ls /mesos", "the nodes of masters, and of their log").needs("ZooKeeper"),
            Example::new("zk get /mesos/json.info_0000000000", "what the first master says of itself").needs("ZooKeeper"),
            Example::new("zk stat /mesos", "when it was made, and what it holds").needs("ZooKeeper"),
        ],
        group: "cluster",
        ..Verb::new("zk")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let url = match args.text("server") {
        Some(servers) => Url::of_servers(servers).map_err(|error| args.wrong("server", error.to_string()))?,
        None => masters::own(context).ok_or_else(|| {
            args.wrong("what", "this session isn't found through ZooKeeper: which one is to be asked?")
                .help("zk ls / --server HOST:2181")
        })?,
    };
    let look = match args.one("what") {
        "ls" => Look::List,
        "get" if args.switch("stat") => Look::Whole,
        "get" => Look::Data,
        _ => Look::Stat,
    };
    let path = args.text("path").unwrap_or_else(|| url.path());
    let document = masters::read(context, &url, look, path).await?;
    context.show(document);
    Ok(())
}
