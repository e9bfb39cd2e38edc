//! A server that does nothing but read requests and answer them: the floor for every other.
//!
//! It reads, parses every command in full with the parser of our own node, and writes one constant
//! answer for each. It holds no data; what it costs is the kernel, the runtime and the parser.

use std::net::Ipv4Addr;

use skep_resp::{Batch, Limits, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::error::{Context, Error, Result};

const READ_BYTES: usize = 64 << 10;
/// Commands answered with one write.
const COMMANDS_AT_ONCE: usize = 1024;

/// Serves until it is killed. `GET` is answered with a value of this length.
pub(crate) fn serve(port: u16, value_bytes: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let value = format!("${value_bytes}\r\n{}\r\n", "x".repeat(value_bytes)).into_bytes();
    // Leaked on purpose: every connection refers to it for as long as the process lives.
    let value: &'static [u8] = value.leak();
    runtime.context("tokio")?.block_on(async {
        let address = (Ipv4Addr::LOCALHOST, port);
        let listener = TcpListener::bind(address).await.context(format!("port {port}"))?;
        loop {
            let (stream, _) = listener.accept().await.context("accept")?;
            tokio::spawn(async move {
                if let Err(error) = converse(stream, value).await {
                    eprintln!("{error}");
                }
            });
        }
    })
}

async fn converse(mut stream: TcpStream, value: &[u8]) -> Result<()> {
    stream.set_nodelay(true).context("TCP_NODELAY")?;
    let (mut parser, limits) = (Parser::default(), Limits::default());
    let mut batch = Batch::default();
    let (mut requests, mut end) = (vec![0; READ_BYTES], 0);
    let mut answers = Vec::with_capacity(READ_BYTES);
    loop {
        let count = stream.read(&mut requests[end..]).await.context("read")?;
        if count == 0 {
            return Ok(());
        }
        end += count;
        let mut start = 0;
        loop {
            batch.clear();
            let bytes = &requests[start..end];
            let parsed = parser.parse(bytes, &limits, &mut batch, COMMANDS_AT_ONCE);
            answers.clear();
            for number in 0..batch.len() {
                let name = batch.args(number, bytes).get(0).unwrap_or_default();
                answers.extend_from_slice(constant_answer(name, value));
            }
            stream.write_all(&answers).await.context("write")?;
            if let Some(error) = parsed.error {
                return Err(Error::new(error.reply_text()));
            }
            start += parsed.consumed;
            if !parsed.more {
                break;
            }
        }
        requests.copy_within(start..end, 0);
        end -= start;
        if end == requests.len() {
            requests.resize(end * 2, 0);
        }
    }
}

fn constant_answer<'a>(name: &[u8], value: &'a [u8]) -> &'a [u8] {
    match name {
        b"GET" => value,
        b"PING" => b"+PONG\r\n",
        _ => b"+OK\r\n",
    }
}
