//! Ports that nobody has: of clients and of the admin API over TCP, of the mesh over UDP.

use std::net::{IpAddr, TcpListener, UdpSocket};

use super::DevError;

/// Where to look first.
const FIRST: u16 = 7000;
/// How far to look.
const TRIED_MAX: u16 = 1000;
/// The ports that a node derives from that of its clients.
const ADMIN: u32 = 1_000;
const MESH: u32 = 10_000;
const BULK: u32 = 11_000;

/// The port of the first node, so that `count` nodes find all theirs free. Between this look and the
/// nodes' own binding somebody else may take one; then that node says so.
pub(super) fn choose(ip: IpAddr, count: usize, wanted: Option<u16>) -> Result<u16, DevError> {
    match wanted {
        Some(port) => match taken(ip, port, count) {
            None => Ok(port),
            Some(problem) => Err(DevError::Ports(format!("{problem}; choose others with --port"))),
        },
        None => {
            let free = (FIRST..FIRST + TRIED_MAX).find(|port| taken(ip, *port, count).is_none());
            let none = || {
                let last = FIRST + TRIED_MAX - 1;
                DevError::Ports(format!(
                    "{count} free ports in a row start nowhere in {FIRST}-{last}"
                ))
            };
            free.ok_or_else(none)
        }
    }
}

/// The first obstacle.
fn taken(ip: IpAddr, first: u16, count: usize) -> Option<String> {
    if first == 0 {
        return Some("port 0 is none".to_owned());
    }
    for port in (u32::from(first)..).take(count) {
        let as_port = |offset| u16::try_from(port + offset);
        let (Ok(client), Ok(admin), Ok(mesh), Ok(bulk)) =
            (as_port(0), as_port(ADMIN), as_port(MESH), as_port(BULK))
        else {
            return Some(format!("{} + {BULK}, a mesh port, is above 65535", port));
        };
        for tcp in [client, admin] {
            if let Err(error) = TcpListener::bind((ip, tcp)) {
                return Some(format!("TCP port {tcp}: {error}"));
            }
        }
        for udp in [mesh, bulk] {
            if let Err(error) = UdpSocket::bind((ip, udp)) {
                return Some(format!("UDP port {udp}: {error}"));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_port_that_somebody_has_is_told_or_passed_over() {
        let port = choose(HERE, 3, None).unwrap();
        let last = UdpSocket::bind((HERE, port + 2 + BULK as u16)).unwrap();
        let told = choose(HERE, 3, Some(port)).unwrap_err().to_string();
        let bulk = last.local_addr().unwrap().port().to_string();
        assert!(told.contains(&bulk) && told.contains("--port"), "{told}");
        assert!(choose(HERE, 3, None).unwrap() > port + 2);
    }

    #[test]
    fn derived_ports_must_be_ports() {
        for port in [0, 60_000, u16::MAX] {
            assert!(choose(HERE, 1, Some(port)).is_err(), "{port}");
        }
    }
}
