//! The node over HTTP, for those who run it: health, metrics, and the cluster as JSON.
//!
//! Only on loopback, and on a thread of its own, so that neither the data path nor a large answer
//! delays the other. A connection carries one request and is closed after [`REQUEST_MAX`], whatever
//! it does; further ones wait while there are [`CONNECTIONS_MAX`]. Nothing here changes the node.
//! The thread ends with the process, so that the end of a node can be watched, too.
//!
//! Read in this order: `facts` (what is known of a cluster), `health`, `cluster`, `metrics`.

mod cluster;
pub(crate) mod facts;
#[cfg(test)]
pub(crate) mod fixture;
mod health;
mod metrics;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::listen::{self, CannotBind};
use crate::node::Node;
use crate::settings::Settings;

/// Connections served at the same time. They come out of the descriptors that are not for clients.
const CONNECTIONS_MAX: usize = 16;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;
/// From the beginning of a connection to the last byte of the answer.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// The line and the headers of a request.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// Before the next attempt, when a connection could not be accepted for want of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How far the port is from that of the clients, unless it is given.
const PORT_OFFSET: u16 = 1000;
/// What chooses it.
const OPTION: &str = "--admin-port";

/// What was opened.
#[derive(Default)]
pub(crate) struct Bound {
    pub(crate) listener: Option<TcpListener>,
    /// Why there is none, if one was wished for.
    pub(crate) warning: Option<String>,
}

/// Opens the socket that the settings ask for. A port that is given must be free; without the
/// automatic one the node does without.
pub(crate) fn bind(settings: &Settings) -> Result<Bound, CannotBind> {
    let open = |port| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        listen::open_alone(address, BACKLOG, OPTION)
    };
    let opened = |listener| Bound { listener: Some(listener), warning: None };
    let without = |reason: String| Bound {
        listener: None,
        warning: Some(format!("no health and metrics over HTTP: {reason}")),
    };
    match settings.admin_port {
        Some(0) => Ok(Bound::default()),
        Some(port) => open(port).map(opened),
        None => Ok(match settings.port.checked_add(PORT_OFFSET) {
            Some(port) => open(port).map_or_else(|error| without(error.to_string()), opened),
            None => without(format!(
                "{} + {PORT_OFFSET} is above the highest port; choose one with {OPTION}",
                settings.port
            )),
        }),
    }
}

/// Answers on `listener` until the process ends.
pub(crate) fn spawn(node: Arc<Node>, listener: TcpListener) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let thread = std::thread::Builder::new().name("admin".to_owned());
    thread.spawn(move || runtime.block_on(serve(listener, router(node)))).map(drop)
}

/// What is answered where.
fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/health/live", get(async || json(StatusCode::OK, &health::Liveness::LIVE)))
        .route("/health/ready", get(ready))
        .route("/metrics", get(page_of_metrics))
        .route("/api/v1/cluster", get(view_of_cluster))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(node)
}

async fn serve(listener: tokio::net::TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // It is never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(false)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // Nobody needs to know how a client went away.
            let _ = timeout(REQUEST_MAX, connection).await;
            drop(permit);
        });
    }
}

async fn ready(State(node): State<Arc<Node>>) -> Response {
    let readiness = health::readiness(&node);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &readiness)
}

async fn page_of_metrics(State(node): State<Arc<Node>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::page(&node)).into_response()
}

async fn view_of_cluster(State(node): State<Arc<Node>>) -> Response {
    json(StatusCode::OK, &cluster::view(&node))
}

/// What is answered to what cannot be.
#[derive(Serialize)]
struct Failure {
    error: String,
}

async fn unknown_path(uri: Uri) -> Response {
    let paths = "/health/live, /health/ready, /metrics and /api/v1/cluster";
    let error = format!("there is no {}; there are {paths}", uri.path());
    json(StatusCode::NOT_FOUND, &Failure { error })
}

async fn unknown_method(method: axum::http::Method) -> Response {
    let error = format!("{method} is not allowed here; GET and HEAD are");
    json(StatusCode::METHOD_NOT_ALLOWED, &Failure { error })
}

fn json(status: StatusCode, answer: &impl Serialize) -> Response {
    match serde_json::to_string(answer) {
        Ok(text) => {
            (status, [(header::CONTENT_TYPE, "application/json")], text + "\n").into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_may_be_no_port_and_a_port_above_the_highest_is_told() {
        let none = fixture::node(|settings| settings.admin_port = Some(0));
        let bound = bind(&none.settings.load()).unwrap();
        assert!(bound.listener.is_none() && bound.warning.is_none(), "{:?}", bound.warning);
        let beyond = fixture::node(|settings| settings.port = 65_000);
        let bound = bind(&beyond.settings.load()).unwrap();
        let warning = bound.warning.unwrap();
        assert!(bound.listener.is_none() && warning.contains("65000 + 1000"), "{warning}");
        assert!(warning.contains(OPTION), "{warning}");
    }

    #[test]
    fn a_port_in_use_matters_only_if_it_was_given() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let mut settings = Settings::clone(&fixture::node(|_| {}).settings.load());
        settings.admin_port = Some(port);
        let error = bind(&settings).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(&port.to_string()) && error.contains(OPTION), "{error}");
        (settings.admin_port, settings.port) = (None, port - PORT_OFFSET);
        let bound = bind(&settings).unwrap();
        let warning = bound.warning.unwrap();
        assert!(bound.listener.is_none() && warning.contains(&port.to_string()), "{warning}");
    }
}
