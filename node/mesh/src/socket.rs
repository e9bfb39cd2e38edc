//! A UDP socket for quinn, with room for what one read can bring and no more.
//!
//! The system gives several packets of one sender in one read, of 64 KiB at most together. quinn makes
//! room for 64 of the largest packets in each of 32 reads: 13 MiB for packets of 6,500 bytes, which a
//! cache would rather keep for its values. Here it is 2 MiB.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};

/// The most that one read brings.
const READ_BYTES_MAX: usize = u16::MAX as usize;
/// Asked of the system, which may give less.
const BUFFER_BYTES: usize = 4 << 20;

/// What carries an endpoint's packets.
pub type Socket = Arc<dyn AsyncUdpSocket>;

#[derive(Debug)]
struct SystemSocket {
    inner: Socket,
    packet_bytes_max: usize,
}

/// Binds; within the event loop that is to drive it.
pub(crate) fn bind(address: SocketAddr, packet_bytes_max: u16) -> io::Result<Socket> {
    let socket = UdpSocket::bind(address)?;
    let options = socket2::SockRef::from(&socket);
    // Bursts that do not fit are lost and sent again: slower, not wrong.
    let _ = options.set_recv_buffer_size(BUFFER_BYTES);
    let _ = options.set_send_buffer_size(BUFFER_BYTES);
    let inner = TokioRuntime.wrap_udp_socket(socket)?;
    Ok(Arc::new(SystemSocket { inner, packet_bytes_max: packet_bytes_max.into() }))
}

impl AsyncUdpSocket for SystemSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        let enough = READ_BYTES_MAX.div_ceil(self.packet_bytes_max);
        self.inner.max_receive_segments().min(enough)
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}
