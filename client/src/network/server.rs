//! One request to an HTTP server behind an onion path, such as a file server (`spec/03-network.md §4.4`).

use std::time::Duration;

use holdfast_protocol::file::FileServer;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::onion::v4::V4Request;
use holdfast_protocol::onion::{self, Hop, Reply, ReplySender, Suite};

use super::attribution::{self, Blame};
use super::request::Busy;
use super::transport::SendError;
use crate::core::Core;
use crate::ports::Progress;

/// How long a request waits for a path to come up.
const PATH_WAIT: Duration = Duration::from_secs(10);

/// Why a server did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerError {
    /// Offline, no gateway or no path: waiting helps.
    Unavailable,
    /// The gateway has no room now.
    Busy,
    /// The path failed; another one may work.
    Path,
    /// The last node could not reach the server, or did not want to.
    Unreachable,
    /// The server's key can't be used.
    Key,
}

impl Core {
    /// Sends a request to a server over a ready path.
    pub(crate) async fn ask_server(
        &self,
        server: &FileServer,
        request: V4Request,
        timeout: Duration,
        progress: Option<Progress>,
    ) -> Result<Reply, ServerError> {
        let destination = server.destination().map_err(|_| ServerError::Key)?;
        if !self.path_ready(PATH_WAIT).await {
            return Err(ServerError::Unavailable);
        }
        // No node has the server's key: any path will do.
        let Some(path) = self.pick_path(server.key()) else {
            return Err(ServerError::Unavailable);
        };
        let Some(guard) = path.hops.first() else {
            return Err(ServerError::Unavailable);
        };
        let chain: Vec<Hop> = path.hops.iter().map(ServiceNode::hop).collect();
        let plain = request.encode();
        // A file has ten megabytes: no more than two of its copies are in memory at a time, and one while it is sent.
        drop(request);
        let built = onion::build(&chain, &destination, &plain, Suite::XChaCha20, &mut self.rng());
        drop(plain);
        let (packet, keys) = built.map_err(|_| ServerError::Key)?;
        let outcome = {
            let _busy = Busy::new(&path);
            self.send_packet(guard, packet, timeout, progress).await
        };
        let answer = match outcome {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => {
                let blame = attribution::of_clear_answer(&answer, &path.keys(), server.key());
                self.path_failed(&path, server.key(), blame);
                return Err(if matches!(blame, Blame::Path | Blame::Destination) {
                    ServerError::Unreachable
                } else {
                    ServerError::Path
                });
            }
            Err(SendError::Busy) => return Err(ServerError::Busy),
            Err(error) => {
                let blame = attribution::of_send_error(error);
                self.path_failed(&path, server.key(), blame);
                return Err(if blame == Blame::Nobody {
                    ServerError::Unavailable
                } else {
                    ServerError::Path
                });
            }
        };
        match keys.open(answer.body) {
            Ok(reply) if reply.sender == ReplySender::Destination => {
                self.path_worked(&path, server.key());
                Ok(reply)
            }
            // Sealed by the last node: the path works.
            Ok(_) => {
                self.path_worked(&path, server.key());
                Err(ServerError::Unreachable)
            }
            Err(_) => {
                self.path_failed(&path, server.key(), Blame::Path);
                Err(ServerError::Path)
            }
        }
    }
}
