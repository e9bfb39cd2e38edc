//! SHUTDOWN: ending the node.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: no reply, the connection closes.
///
/// NOW and FORCE change nothing: there are no replicas to wait for and nothing to save.
pub(crate) fn shutdown(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let has =
        |word: &str| args.iter().skip(1).any(|other| other.eq_ignore_ascii_case(word.as_bytes()));
    let (save, nosave, abort) = (has("SAVE"), has("NOSAVE"), has("ABORT"));
    let is_known = |word: &[u8]| {
        ["SAVE", "NOSAVE", "NOW", "FORCE", "ABORT"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
    };
    if !args.iter().skip(1).all(is_known) || (save && nosave) || (abort && args.len() > 2) {
        return Err(CommandError::SYNTAX);
    }
    if abort {
        return Err(CommandError::text("ERR No shutdown in progress."));
    }
    if save {
        return Err(CommandError::text(
            "ERR This node keeps its data in memory only and cannot save it; use SHUTDOWN NOSAVE",
        ));
    }
    cx.client.close_after_reply = true;
    cx.server.shut_down();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn shutting_down_answers_nothing_and_closes_the_connection() {
        for request in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN now force nosave nosave"] {
            let mut bench = Bench::new();
            bench.expect(&[(request, "")]);
            assert_eq!(*bench.server.requests.lock(), ["shut down"], "{request}");
            assert!(bench.client.close_after_reply, "{request}");
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SHUTDOWN later", "-ERR syntax error"),
            ("SHUTDOWN SAVE NOSAVE", "-ERR syntax error"),
            ("SHUTDOWN ABORT NOW", "-ERR syntax error"),
            ("SHUTDOWN ABORT", "-ERR No shutdown in progress."),
            (
                "SHUTDOWN SAVE",
                "-ERR This node keeps its data in memory only and cannot save it; use SHUTDOWN \
                 NOSAVE",
            ),
            ("MULTI", "+OK"),
            ("SHUTDOWN", "-ERR Command not allowed inside a transaction"),
        ]);
        assert!(bench.server.requests.lock().is_empty());
        assert!(!bench.client.close_after_reply);
    }
}
