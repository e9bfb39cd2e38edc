//! A network that is made up, by turmoil: packets take virtual time, are lost and held back as a test
//! says.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::sync::mpsc;
use turmoil::net::UdpSocket;

use crate::Socket;

/// Packets that may wait for the endpoint; more are lost.
const PACKETS_MAX: usize = 4_096;
/// Longest packet that is received.
const PACKET_BYTES_MAX: usize = 64 << 10;

type Packet = (SocketAddr, Bytes);

/// A socket of the simulated host that runs this. It is closed when the host crashes.
///
/// # Errors
/// When the port is taken.
pub async fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Arc::new(UdpSocket::bind(address).await?);
    let (sender, packets) = mpsc::channel(PACKETS_MAX);
    let outlet = Arc::downgrade(&socket);
    tokio::spawn(read(socket, sender));
    Ok(Arc::new(SimulatedSocket { address, outlet, packets: Mutex::new(packets) }))
}

/// Owns the socket, so that it goes with the host's tasks, whoever else still knows it.
async fn read(socket: Arc<UdpSocket>, packets: mpsc::Sender<Packet>) {
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if let Err(mpsc::error::TrySendError::Closed(_)) =
            packets.try_send((from, Bytes::copy_from_slice(&buffer[..length])))
        {
            return;
        }
    }
}

struct SimulatedSocket {
    address: SocketAddr,
    outlet: Weak<UdpSocket>,
    packets: Mutex<mpsc::Receiver<Packet>>,
}

impl fmt::Debug for SimulatedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "simulated {}", self.address)
    }
}

impl AsyncUdpSocket for SimulatedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let socket = self.outlet.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        // A host that is not there is told by silence.
        let _ = socket.try_send_to(transmit.contents, transmit.destination);
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let packet = ready!(self.packets.lock().poll_recv(cx));
        let (addr, packet) = packet.ok_or(io::ErrorKind::NotConnected)?;
        let len = packet.len().min(buffer.len());
        buffer[..len].copy_from_slice(&packet[..len]);
        *meta = RecvMeta { addr, len, stride: len, ecn: None, dst_ip: None };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
