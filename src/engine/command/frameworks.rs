//! `frameworks`: everybody's frameworks on this master.

use super::prelude::*;
use crate::view;

command! {
    Verb {
        summary: "the frameworks on this master",
        options: &[Opt::switch("all", "completed ones too").short('a')],
        examples: &[Example::new("frameworks", "a line for each; this session's is marked").after(&["subscribe"])],
        group: "cluster",
        ..Verb::new("frameworks")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let mut answer = context.get_json("/frameworks").await?;
    if let (false, Value::Object(fields)) = (args.switch("all"), &mut answer) {
        fields.remove("completed_frameworks");
    }
    let own = context.session().read(|state| state.framework_id.clone());
    context.show(view::frameworks(&answer, own.as_ref().map(|id| id.as_str())));
    Ok(())
}
