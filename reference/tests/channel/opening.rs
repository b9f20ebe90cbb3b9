//! Turning a handle into a channel: only a Unix stream socket will do.

use std::net::TcpListener;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

use gpushare::{Channel, ChannelError, OwnedHandle};
use rstest::rstest;

use crate::census::Census;

fn pipe() -> OwnedFd {
    std::io::pipe().expect("a pipe").0.into()
}

fn file() -> OwnedFd {
    tempfile::tempfile().expect("a file").into()
}

fn datagram_socket() -> OwnedFd {
    UnixDatagram::unbound().expect("a socket").into()
}

fn internet_socket() -> OwnedFd {
    TcpListener::bind("127.0.0.1:0").expect("a socket").into()
}

#[rstest]
#[case::pipe(pipe)]
#[case::file(file)]
#[case::datagram_socket(datagram_socket)]
#[case::internet_socket(internet_socket)]
fn anything_else_comes_back(#[case] make: fn() -> OwnedFd) {
    let _census = Census::take();
    let descriptor = make();
    let number = descriptor.as_raw_fd();

    let (handle, error) = Channel::from_handle(OwnedHandle::from(descriptor)).expect_err("refused");

    assert_eq!(handle.as_fd().as_raw_fd(), number);
    assert!(rustix::fs::fstat(&handle).is_ok(), "it is still open");
    assert!(matches!(error, ChannelError::Os { what: "opening a channel", .. }), "{error:?}");
}

#[test]
fn a_stream_socket_goes_in_and_comes_out() {
    let _census = Census::take();
    let (socket, _other) = UnixStream::pair().expect("a socket pair");
    let number = socket.as_raw_fd();

    let channel = Channel::from_handle(OwnedHandle::from(OwnedFd::from(socket))).expect("a channel");

    assert_eq!(channel.into_handle().as_fd().as_raw_fd(), number);
}
