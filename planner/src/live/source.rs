//! What `--from` names: a server, its metrics, or a file. Passwords are never shown again.

use std::path::PathBuf;

use redis::{ConnectionInfo, IntoConnectionInfo};

use crate::error::{PlanError, Result};

/// Where a password comes from if the URL has none; the name that redis-cli uses.
const PASSWORD_VARIABLE: &str = "REDISCLI_AUTH";
const METRICS_PATH: &str = "/metrics";

/// What `--from` names.
pub(super) enum Source {
    /// A server that speaks RESP.
    Resp(Box<ConnectionInfo>),
    /// Metrics in Prometheus's text format.
    Metrics(String),
    /// A file that was saved.
    File(PathBuf),
}

impl Source {
    /// Reads what was given.
    ///
    /// # Errors
    /// A scheme that is not known, TLS, and what is no URL; without showing a password.
    pub(super) fn parse(text: &str) -> Result<Source> {
        let refused = |reason: &str| PlanError::usage(format!("--from {}: {reason}", shown(text)));
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.is_empty() {
                true => Err(PlanError::usage(
                    "--from is empty: give redis://host:port, http://host:port/metrics or a file",
                )),
                false => Ok(Source::File(PathBuf::from(text))),
            };
        };
        match scheme {
            "redis" | "valkey" => {
                let info = text.into_connection_info().map_err(|_| {
                    refused("is no such URL; write redis://user:password@host:port/database")
                })?;
                Ok(Source::Resp(Box::new(with_password(info))))
            }
            "rediss" | "valkeys" => Err(refused(
                "TLS is not supported yet; read it through a tunnel (stunnel, ssh -L) as redis://",
            )),
            "http" => {
                let has_path = rest.contains('/');
                Ok(Source::Metrics(format!("{text}{}", if has_path { "" } else { METRICS_PATH })))
            }
            "https" => {
                Err(refused("TLS is not supported yet; read it through a tunnel as http://"))
            }
            _ => Err(refused("is of no known kind; give redis://, http:// or a file")),
        }
    }
}

/// The password of the environment, where the URL has none.
fn with_password(info: ConnectionInfo) -> ConnectionInfo {
    let settings = info.redis_settings();
    match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) if settings.password().is_none() && !password.is_empty() => {
            let settings = settings.clone().set_password(password);
            info.set_redis_settings(settings)
        }
        _ => info,
    }
}

/// A source as it may be shown: without user, password and query.
pub(super) fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, String::new()),
    };
    // A "port" that is none may be a password whose @host was forgotten.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match host.rsplit_once(':') {
        Some((name, port)) if !is_port(port) && !host.ends_with(']') => format!("{name}:..."),
        _ => host.to_owned(),
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_whatever_is_wrong_with_the_url() {
        for text in [
            "redis://app:s3cret@cache:6379/0",
            "redis://:s3cret@cache:6379",
            "redis://s3cret@cache",
            "redis://app:s3cret",
            "redis://app:a/s3cret@cache:99999",
            "rediss://app:s3cret@cache:6379",
            "http://app:s3cret@cache:9121/metrics",
            "https://app:s3cret@cache",
            "redis://cache:6379/nothing?password=s3cret",
            "gopher://app:s3cret@cache",
        ] {
            assert!(!shown(text).contains("s3cret"), "{} for {text}", shown(text));
            if let Err(error) = Source::parse(text) {
                assert!(!error.to_string().contains("s3cret"), "{error}");
                assert_eq!(error.exit_code(), crate::error::EXIT_USAGE, "{error}");
            }
        }
        assert_eq!(shown("redis://app:s3cret@cache:6379/2"), "redis://cache:6379/2");
        assert_eq!(shown("redis://[::1]:6379"), "redis://[::1]:6379");
        assert_eq!(shown("redis://[::1]"), "redis://[::1]");
        assert_eq!(shown("profile.json"), "profile.json");
    }

    #[test]
    fn tls_is_refused_with_a_way_round_it() {
        let error = Source::parse("rediss://cache:6379").err().map(|error| error.to_string());
        let text = error.unwrap_or_default();
        assert!(text.contains("TLS is not supported yet") && text.contains("stunnel"), "{text}");
    }

    #[test]
    fn a_url_without_a_path_asks_for_the_metrics() {
        let Ok(Source::Metrics(url)) = Source::parse("http://cache:9121") else {
            panic!("no metrics")
        };
        assert_eq!(url, "http://cache:9121/metrics");
    }
}
