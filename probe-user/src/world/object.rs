//! What a descriptor is called: `pipe:[4711]`, `tcp 127.0.0.1:40222 → 127.0.0.1:9418`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use probe_common::uapi::{
    AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK, S_IFBLK, S_IFCHR, S_IFDIR,
    S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK,
};

use crate::{vocabulary::DescriptorKind, wire::event::Object};

/// What sort of file it is, as far as waiting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Pipe or FIFO.
    Pipe,
    /// Socket.
    Socket,
    /// Regular file, directory or block device.
    Storage,
    /// Terminal.
    Tty,
    /// timerfd
    Timer,
    /// eventfd, signalfd, inotify, fanotify, pidfd, userfaultfd, perf event
    Event,
    /// Another device or anonymous file.
    Other,
}

/// Classifies a file.
pub fn file_kind(object: &Object) -> FileKind {
    match object.mode & S_IFMT {
        S_IFIFO => FileKind::Pipe,
        S_IFSOCK => FileKind::Socket,
        S_IFCHR if is_tty(object.rdev) => FileKind::Tty,
        S_IFCHR => FileKind::Other,
        0 => anonymous(&object.name),
        S_IFREG if is_anonymous(&object.name) => anonymous(&object.name),
        S_IFREG | S_IFDIR | S_IFBLK => FileKind::Storage,
        _ => FileKind::Other,
    }
}

/// The same for descriptors that are counted by kind; as the probes' `fd_kind`.
pub fn descriptor_kind(object: &Object) -> DescriptorKind {
    match file_kind(object) {
        FileKind::Pipe => DescriptorKind::Pipe,
        FileKind::Socket => DescriptorKind::Socket,
        FileKind::Tty => DescriptorKind::Tty,
        FileKind::Timer => DescriptorKind::Timer,
        _ if is_pidfd(object) => DescriptorKind::Event,
        FileKind::Event => DescriptorKind::Event,
        FileKind::Storage => DescriptorKind::File,
        FileKind::Other if is_untyped(object) && *object.name == *b"[eventpoll]" => {
            DescriptorKind::Epoll
        }
        FileKind::Other => DescriptorKind::Other,
    }
}

/// An anonymous inode has no type; on 6.17 and later it is "regular".
fn is_untyped(object: &Object) -> bool {
    matches!(object.mode & S_IFMT, 0 | S_IFREG)
}

/// A regular file, or one without a type, that no folder has: of a file system of its own as
/// namespaces and (from 6.9 on) pidfds are, or opened by its handle.
fn is_nameless(object: &Object) -> bool {
    is_untyped(object) && *object.name == *b"/"
}

/// Namespaces have other permissions (`pidfs_init_inode`, `nsfs_init_inode`).
fn is_pidfd(object: &Object) -> bool {
    is_nameless(object) && object.mode & 0o7777 == 0o700
}

fn is_anonymous(name: &[u8]) -> bool {
    name.starts_with(b"[") || name == b"inotify"
}

fn anonymous(name: &[u8]) -> FileKind {
    match name {
        b"[timerfd]" => FileKind::Timer,
        b"[eventfd]" | b"[signalfd]" | b"inotify" | b"[fanotify]" | b"[pidfd]"
        | b"[userfaultfd]" | b"[perf_event]" => FileKind::Event,
        _ => FileKind::Other,
    }
}

/// Character devices 4 (tty, ttyS), 5 (tty, console, ptmx), 136–143 (pts),
/// 204 (serial): Documentation/admin-guide/devices.txt.
fn is_tty(rdev: u32) -> bool {
    matches!(rdev >> 20, 4 | 5 | 136..=143 | 204)
}

/// A name for people. Raw text of another process: views escape it.
pub fn describe(object: &Object) -> String {
    let name = String::from_utf8_lossy(&object.name);
    match file_kind(object) {
        FileKind::Socket => socket(object),
        FileKind::Pipe if object.name.is_empty() => format!("pipe:[{}]", object.ino),
        FileKind::Pipe => format!("fifo {name}"),
        FileKind::Tty => tty(object, &name),
        _ if is_pidfd(object) => "[pidfd]".to_owned(),
        _ if name.is_empty() || is_nameless(object) => format!("inode {}", object.ino),
        _ => name.into_owned(),
    }
}

fn tty(object: &Object, name: &str) -> String {
    let (major, minor) = (object.rdev >> 20, object.rdev & 0xf_ffff);
    match major {
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        _ => name.to_owned(),
    }
}

fn socket(object: &Object) -> String {
    let ino = object.ino;
    let transport = match object.protocol {
        6 => "tcp",
        17 => "udp",
        1 | 58 => "icmp",
        132 => "sctp",
        _ => "ip",
    };
    let family = match object.family {
        AF_INET | AF_INET6 => return inet(object, transport),
        AF_UNIX => "unix",
        AF_NETLINK => "netlink",
        AF_PACKET => "packet",
        AF_VSOCK => "vsock",
        0 => "socket",
        other => return format!("socket family {other}:[{ino}]"),
    };
    format!("{family}:[{ino}]")
}

fn inet(object: &Object, transport: &str) -> String {
    let local = SocketAddr::new(
        address(object.family, &object.local_addr),
        object.local_port,
    );
    match peer(object) {
        None => format!("{transport} {local}"),
        Some(remote) => format!("{transport} {local} → {remote}"),
    }
}

/// The address at the other end of a connected internet socket.
pub fn peer(object: &Object) -> Option<String> {
    let is_inet = matches!(object.family, AF_INET | AF_INET6);
    (is_inet && object.remote_port != 0).then(|| {
        let remote = address(object.family, &object.remote_addr);
        SocketAddr::new(remote, object.remote_port).to_string()
    })
}

/// An internet address as a record has it; one of IPv4 in IPv6 as IPv4.
pub fn address(family: u16, bytes: &[u8; 16]) -> IpAddr {
    if family == AF_INET {
        return Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into();
    }
    let v6 = Ipv6Addr::from(*bytes);
    v6.to_ipv4_mapped().map_or(v6.into(), IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: u32, rdev: u32, name: &str, kind: FileKind, text: &str) {
        let object = Object {
            mode,
            rdev,
            ino: 7,
            name: name.as_bytes().into(),
            ..Object::default()
        };
        assert_eq!(file_kind(&object), kind, "{name} {mode:o}");
        assert_eq!(describe(&object), text);
    }

    #[test]
    fn object_files_are_told_apart() {
        check(0o010_600, 0, "", FileKind::Pipe, "pipe:[7]");
        check(0o010_644, 0, "queue", FileKind::Pipe, "fifo queue");
        check(0o100_644, 0, "data.bin", FileKind::Storage, "data.bin");
        check(0o020_620, 136 << 20 | 3, "3", FileKind::Tty, "pts/3");
        check(0o020_666, 1 << 20 | 3, "null", FileKind::Other, "null");
        check(0o600, 0, "[eventfd]", FileKind::Event, "[eventfd]");
        check(0o600, 0, "[timerfd]", FileKind::Timer, "[timerfd]");
        check(0o600, 0, "inotify", FileKind::Event, "inotify");
        check(0o600, 0, "[eventpoll]", FileKind::Other, "[eventpoll]");
        check(0o140_777, 0, "", FileKind::Socket, "socket:[7]");
    }

    #[test]
    fn object_a_pidfd_has_no_name_of_its_own() {
        let named = |mode, name: &str| {
            let object = Object {
                mode,
                ino: 7,
                name: name.as_bytes().into(),
                ..Object::default()
            };
            (descriptor_kind(&object), describe(&object))
        };
        let is = |kind, name: &str| (kind, name.to_owned());
        let pidfd = is(DescriptorKind::Event, "[pidfd]");
        assert_eq!(named(0o100_700, "/"), pidfd);
        assert_eq!(named(0o600, "[pidfd]"), pidfd);
        assert_eq!(named(0o040_755, "/"), is(DescriptorKind::File, "/"));
        // A namespace.
        assert_eq!(named(0o100_444, "/"), is(DescriptorKind::File, "inode 7"));
        assert_eq!(
            named(0o010_600, "queue"),
            is(DescriptorKind::Pipe, "fifo queue")
        );
    }

    #[test]
    fn object_open_ones_have_the_kind_that_the_probes_count() {
        for (mode, rdev, name, kind) in [
            (S_IFREG, 0, "data", DescriptorKind::File),
            (S_IFDIR, 0, "d", DescriptorKind::File),
            (S_IFSOCK, 0, "", DescriptorKind::Socket),
            (S_IFIFO, 0, "", DescriptorKind::Pipe),
            (S_IFCHR, 136 << 20, "0", DescriptorKind::Tty),
            (S_IFCHR, 1 << 20 | 3, "null", DescriptorKind::Other),
            (0, 0, "[eventfd]", DescriptorKind::Event),
            (S_IFREG, 0, "[timerfd]", DescriptorKind::Timer),
            (0, 0, "[eventpoll]", DescriptorKind::Epoll),
            (S_IFREG, 0, "[eventpoll]", DescriptorKind::Epoll),
            (S_IFDIR, 0, "[eventpoll]", DescriptorKind::File),
            (S_IFREG, 0, "[io_uring]", DescriptorKind::Other),
        ] {
            let object = Object {
                mode,
                rdev,
                name: name.as_bytes().into(),
                ..Object::default()
            };
            assert_eq!(descriptor_kind(&object), kind, "{name} {mode:o}");
        }
    }

    #[test]
    fn object_sockets_have_addresses() {
        let mut object = Object {
            mode: S_IFSOCK,
            family: AF_INET,
            protocol: 6,
            local_port: 9418,
            ..Object::default()
        };
        object.local_addr[..4].copy_from_slice(&[127, 0, 0, 1]);
        assert_eq!(describe(&object), "tcp 127.0.0.1:9418");
        object.remote_addr[..4].copy_from_slice(&[10, 0, 0, 5]);
        object.remote_port = 40222;
        assert_eq!(describe(&object), "tcp 127.0.0.1:9418 → 10.0.0.5:40222");
        let unix = Object {
            mode: S_IFSOCK,
            family: AF_UNIX,
            ino: 12,
            ..Object::default()
        };
        assert_eq!(describe(&unix), "unix:[12]");
        let v6 = Object {
            mode: S_IFSOCK,
            family: AF_INET6,
            protocol: 17,
            local_port: 53,
            ..Object::default()
        };
        assert_eq!(describe(&v6), "udp [::]:53");
    }
}
