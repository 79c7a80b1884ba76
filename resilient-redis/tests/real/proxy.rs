//! A network between one machine and the server, which can be cut: a proxy on a free port of loopback.
//!
//! A cut holds bytes back, as TCP does: what was sent into it arrives when it heals.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{sleep, spawn};
use std::time::Duration;

use crate::server::Server;

pub(crate) struct Proxy {
    port: u16,
    network: Arc<Network>,
}

struct Network {
    server: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    has_ended: bool,
    connections: Vec<TcpStream>,
}

/// The trouble of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing arrives, either way.
    Silent,
    /// Connections are ended at once.
    Refused,
    /// Questions do not arrive.
    QuestionsHeld,
    /// Questions arrive, and answers do not.
    AnswersHeld,
    /// Each way takes so much longer.
    Slow(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Questions,
    Answers,
}

impl Proxy {
    pub(crate) fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its port").port();
        let network = Arc::new(Network { server: server.port(), state: Mutex::default(), changed: Condvar::new() });
        let to = network.clone();
        spawn(move || {
            for machine in listener.incoming().flatten() {
                if to.state().has_ended {
                    return;
                }
                to.connect(machine);
            }
        });
        Self { port, network }
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn cut(&self, cut: Cut) {
        self.network.set(Some(cut));
    }

    pub(crate) fn heal(&self) {
        self.network.set(None);
    }
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    fn set(&self, cut: Option<Cut>) {
        let mut state = self.state();
        state.cut = cut;
        if cut == Some(Cut::Refused) {
            state.end_connections();
        }
        self.changed.notify_all();
    }

    /// Joins a machine with the server, by a thread for each way.
    fn connect(self: &Arc<Self>, machine: TcpStream) {
        let mut state = self.state();
        if state.cut == Some(Cut::Refused) {
            return;
        }
        // the server may be down
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        for stream in [&machine, &server] {
            stream.set_nodelay(true).expect("a connection");
            state.connections.push(stream.try_clone().expect("a handle"));
        }
        drop(state);
        let handles = (machine.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
        for (way, from, to) in [(Way::Questions, handles.0, server), (Way::Answers, handles.1, machine)] {
            let network = self.clone();
            spawn(move || network.carry(way, from, to));
        }
    }

    /// Carries bytes one way until a side has ended.
    fn carry(&self, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 8_192];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let cut = self.wait_for(way);
            if let Some(Cut::Slow(time)) = cut {
                sleep(time);
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        self.wait_for(way);
        let _ = to.shutdown(Shutdown::Both);
    }

    /// Waits until bytes go that way, and returns the trouble that is left.
    fn wait_for(&self, way: Way) -> Option<Cut> {
        let is_held = |state: &mut State| {
            let held = match state.cut {
                Some(Cut::Silent) => true,
                Some(Cut::QuestionsHeld) => way == Way::Questions,
                Some(Cut::AnswersHeld) => way == Way::Answers,
                Some(Cut::Refused | Cut::Slow(_)) | None => false,
            };
            held && !state.has_ended
        };
        self.changed.wait_while(self.state(), is_held).expect("no thread panics with it").cut
    }
}

impl State {
    fn end_connections(&mut self) {
        for connection in self.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.network.state();
        state.has_ended = true;
        state.end_connections();
        drop(state);
        self.network.changed.notify_all();
        // wakes the thread that listens
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
