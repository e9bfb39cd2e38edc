//! The first frame of a connection, in both directions: who is there, since when.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use skep_keyspace::NodeId;

use crate::frame::FrameError;
use crate::identity::ClusterName;

/// What a node says of itself. Nothing is taken from it that the certificate does not confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) node: NodeId,
    pub(crate) cluster: ClusterName,
    /// Differs between two runs of one node, so that connections to the run before are let go.
    pub(crate) incarnation: u64,
}

impl Hello {
    /// id (20) | incarnation (8) | cluster's name, to the end
    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_slice(&self.node.0);
        bytes.put_u64(self.incarnation);
        bytes.put_slice(self.cluster.as_str().as_bytes());
        bytes.freeze()
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Hello, FrameError> {
        let malformed = FrameError::Hello(bytes.len());
        let mut node = NodeId::default();
        bytes.try_copy_to_slice(&mut node.0).map_err(|_| malformed)?;
        let incarnation = bytes.try_get_u64().map_err(|_| malformed)?;
        let name = std::str::from_utf8(bytes).map_err(|_| malformed)?;
        Ok(Hello { node, cluster: name.parse().map_err(|_| malformed)?, incarnation })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hello_is_read_as_it_was_said(node: [u8; 20], incarnation: u64, name in "[a-z0-9._-]{1,63}") {
            let hello = Hello { node: NodeId(node), cluster: name.parse().unwrap(), incarnation };
            prop_assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
        }

        #[test]
        fn what_is_read_from_random_bytes_says_the_same(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(hello) = Hello::decode(&bytes) {
                prop_assert_eq!(hello.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_short_hello_is_refused() {
        assert_eq!(Hello::decode(&[0; 27]), Err(FrameError::Hello(27)));
        assert_eq!(Hello::decode(&[0; 28]), Err(FrameError::Hello(28)), "no cluster");
    }
}
