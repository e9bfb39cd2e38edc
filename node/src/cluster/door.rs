//! What comes from other nodes, and who takes it.

use std::sync::Arc;

use bytes::Bytes;
use skep_keyspace::NodeId;
use skep_mesh::{BoxFuture, Caller, Class, FrameReceiver, FrameSender, Handler, Rejected};

use super::Cluster;
use super::control::Input;
use super::wait::Asked;

/// The handler of the mesh.
pub(super) struct Door(pub(super) Arc<Cluster>);

impl Handler for Door {
    fn request(
        &self,
        caller: Caller,
        class: Class,
        frame: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Rejected>> {
        Box::pin(async move {
            match class {
                Class::Control => self.0.answer(caller, frame).await,
                Class::Forward => self.0.serve_forwarded(&frame).await,
                Class::Bulk => Err(Rejected("this node takes no such request".to_owned())),
            }
        })
    }

    fn datagram(&self, from: NodeId, frame: Bytes) {
        if let Ok(message) = postcard::from_bytes(&frame) {
            // When the loop does not keep up it is as if the network had lost it.
            let _ = self.0.inputs.try_send(Input::Message { from, message });
        }
    }

    fn stream(
        &self,
        from: NodeId,
        class: Class,
        sender: FrameSender,
        mut receiver: FrameReceiver,
    ) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Ok(Some(first)) = receiver.receive().await else { return };
            match class {
                Class::Forward => match Asked::decode(&first) {
                    Some(asked) => self.0.serve_wait(asked, sender, receiver).await,
                    None => self.0.take_messages(first, receiver).await,
                },
                Class::Bulk => self.0.replication.serve(from, sender, receiver, &first).await,
                // Nobody opens one.
                Class::Control => {}
            }
        })
    }
}
