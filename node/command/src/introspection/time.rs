//! TIME: what the server's clock says.

use skep_resp::Args;

use crate::cx::Cx;
use crate::error::CommandError;

/// `TIME`: Unix seconds, and the microseconds of the present one.
pub(crate) fn time(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let now_us = cx.server.unix_time_us() as i64;
    cx.reply.array(2);
    cx.reply.bulk_integer(now_us / 1_000_000);
    cx.reply.bulk_integer(now_us % 1_000_000);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn the_time_is_seconds_and_the_microseconds_left_over() {
        Bench::new().expect(&[("TIME", "*2 $10 1700000000 $1 0")]);
    }
}
