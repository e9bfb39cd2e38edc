//! INFO: the server's figures as text.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

/// `INFO [section ...]`: the default sections when none is named; unknown names show nothing.
pub(crate) fn info(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let names = args.iter().skip(1).map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
    let names: Vec<String> = names.collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    super::publish_figures(cx);
    let text = cx.server.info(&names);
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn sections_are_named_in_any_case_and_the_text_is_verbatim() {
        Bench::new().expect(&[
            ("INFO", "$9 sections:"),
            ("INFO Server keySpace", "$24 sections:server,keyspace"),
        ]);
        Bench::resp3().expect(&[("INFO all", "=16 txt:sections:all")]);
    }
}
