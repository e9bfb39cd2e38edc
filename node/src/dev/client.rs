//! A client for the few commands that form a cluster: one question at a time, one reply of text.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use skep_resp::{Protocol, Reply};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest reply: INFO is a few KiB.
const REPLY_BYTES_MAX: u64 = 1 << 20;

/// A connection to a node.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream) })
    }

    /// The reply to a command. An error of the node is an error of kind `Other` with its text.
    pub(super) async fn ask(&mut self, words: &[&str]) -> io::Result<String> {
        let mut request = Reply::new(Protocol::Resp2);
        request.array(words.len());
        words.iter().for_each(|word| request.bulk(word.as_bytes()));
        let bytes = request.into_bytes();
        let exchange = async {
            self.stream.write_all(&bytes).await?;
            self.reply().await
        };
        timeout(PATIENCE, exchange).await?
    }

    async fn reply(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(REPLY_BYTES_MAX).read_until(b'\n', &mut line).await?;
        let unreadable = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let text = String::from_utf8(line).map_err(|_| unreadable("a reply that is no text"))?;
        let text = text.strip_suffix("\r\n").ok_or_else(|| unreadable("the connection ended"))?;
        match text.split_at_checked(1) {
            Some(("+" | ":", rest)) => Ok(rest.to_owned()),
            Some(("-", rest)) => Err(io::Error::other(rest.to_owned())),
            Some(("$", rest)) => {
                let len: u64 = rest.parse().map_err(|_| unreadable("a reply of no length"))?;
                if len > REPLY_BYTES_MAX {
                    return Err(unreadable("a reply that is too long"));
                }
                let mut body = vec![0; len as usize + "\r\n".len()];
                self.stream.read_exact(&mut body).await?;
                body.truncate(len as usize);
                String::from_utf8(body).map_err(|_| unreadable("a reply that is no text"))
            }
            _ => Err(unreadable("a reply of another kind")),
        }
    }
}

/// The value of `name` in a text of lines `name:value`, as INFO and CLUSTER INFO answer.
pub(super) fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const REQUEST: &[u8; 27] = b"*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n";

    async fn answered(reply: &'static [u8]) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serve = async {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; REQUEST.len()];
            stream.read_exact(&mut request).await?;
            assert_eq!(&request, REQUEST);
            stream.write_all(reply).await
        };
        let ask = async { Client::connect(address).await?.ask(&["CLUSTER", "INFO"]).await };
        let (served, answer) = tokio::join!(serve, ask);
        served?;
        answer
    }

    #[tokio::test]
    async fn replies_of_text_are_read_and_others_refused() {
        for (reply, text) in
            [(&b"+OK\r\n"[..], "OK"), (b":12\r\n", "12"), (b"$5\r\na\r\nbc\r\n", "a\r\nbc")]
        {
            assert_eq!(answered(reply).await.unwrap(), text);
        }
        for (reply, told) in [
            (&b"-ERR no\r\n"[..], "ERR no"),
            (b"*0\r\n", "a reply of another kind"),
            (b"$99999999\r\n", "a reply that is too long"),
            (b"$-1\r\n", "a reply of no length"),
            (b"+O", "the connection ended"),
            (b"", "the connection ended"),
        ] {
            assert_eq!(answered(reply).await.unwrap_err().to_string(), told);
        }
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "cluster_state:ok\r\ncluster_size:3\r\n";
        assert_eq!(field(text, "cluster_size"), Some("3"));
        assert_eq!(field(text, "cluster"), None);
    }
}
