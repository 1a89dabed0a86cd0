//! A whole network in one process under virtual time: real storage nodes, a gateway, engines over memory stores, and
//! faults of every kind in between.
//!
//! Start tests with `#[tokio::test(start_paused = true)]` inside a [`tokio::task::LocalSet`] ([`run`] does both halves):
//! whenever nothing is left to do, time jumps to the next timer, so that hours pass in a moment.

mod chance;
mod device;
mod files;
mod power;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_client::NetworkProfile;
use holdfast_client::native::SystemRng;
use holdfast_client::ports::{HttpRequest, HttpResponse, NetworkError, Rng};
use holdfast_node::peer::PEER_PATH;
use holdfast_node::peer::transport::{PeerTransport, TransportError};
use holdfast_node::registry::Node;
use holdfast_node::registry::live::Registry;
use holdfast_node::storage::{self, StorageNode};
use holdfast_protocol::account::Id;
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::nodes::{NodeList, NodeState, ServiceNode, encode_active_nodes};
use holdfast_protocol::onion::{self, Body, Peeled};
use holdfast_protocol::swarm::request::{Request, Store};
use holdfast_protocol::swarm::{Namespace, SwarmId};

pub use chance::{Acts, Dice, SeededRng, histories};
pub use device::Device;
pub use power::{Answer, PoweredDevice};

/// What the clocks show when a test starts: some day in 2026, Unix milliseconds.
pub const START_MS: u64 = 1_780_000_000_000;
/// A layer of an onion may take longer than this, whatever members of a swarm say to each other may not.
const MEMBERS_TAKE: Duration = Duration::from_secs(30);
/// What one way between two machines takes.
const LATENCY: Duration = Duration::from_millis(5);
/// The address under which engines know the gateway.
const GATEWAY: &str = "http://gateway";
/// A second gateway, for tests of what one of two does.
const OTHER_GATEWAY: &str = "http://other-gateway";
/// A third one, for tests of whom two believe.
const THIRD_GATEWAY: &str = "http://third-gateway";

/// A seed that can be reached without a gateway.
const SEED: &str = "http://seed/json_rpc";

/// Answers a request instead of a node: status and body. `None` leaves it to the real node.
pub type Lie = Arc<dyn Fn(&Request) -> Option<(u16, Vec<u8>)> + Send + Sync>;

/// What is wrong with a node.
#[derive(Clone, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Connections are refused.
    Dead,
    /// It takes requests and never answers.
    Silent,
    /// It answers after this long.
    Slow(Duration),
    /// It carries requests out and then dies before it answers.
    DiesAnswering,
    /// It hears nothing from the other members of its swarm: it knows what clients gave it, and the rest once it is mended.
    Behind,
    /// Its clock is wrong: it refuses what it is to store, whether clients or other members of its swarm say so.
    WrongClock,
    /// As a hop it answers with random bytes and status 200.
    GarbageHop,
    /// As a hop it answers with this status and text instead of passing on.
    ForgingHop(u16, String),
    /// As a guard it lets small packets through, and says of those with more than so many bytes that nobody answered.
    LosesLarge(usize),
    /// As a destination it answers as this says, with its true key.
    Lying(Lie),
    /// It is no Holdfast node: it neither holds retrieves open nor says so.
    Stock,
}

struct Machine {
    service: ServiceNode,
    keys: Ed25519KeyPair,
    node: StorageNode,
    fault: Fault,
}

/// What nodes and ports share.
#[derive(Default)]
struct Shared {
    machines: Mutex<HashMap<Ed25519PublicKey, Machine>>,
}

impl Shared {
    fn fault(&self, key: &Ed25519PublicKey) -> Fault {
        self.machines
            .lock()
            .unwrap()
            .get(key)
            .map_or(Fault::Dead, |machine| machine.fault.clone())
    }

    fn node(&self, key: &Ed25519PublicKey) -> Option<StorageNode> {
        self.machines
            .lock()
            .unwrap()
            .get(key)
            .map(|machine| machine.node.clone())
    }

    fn keys(&self, key: &Ed25519PublicKey) -> Option<Ed25519KeyPair> {
        self.machines
            .lock()
            .unwrap()
            .get(key)
            .map(|machine| machine.keys.clone())
    }

    fn any_lies(&self) -> bool {
        let machines = self.machines.lock().unwrap();
        machines.values().any(|machine| {
            matches!(
                machine.fault,
                Fault::GarbageHop
                    | Fault::ForgingHop(..)
                    | Fault::LosesLarge(_)
                    | Fault::Lying(_)
                    | Fault::Stock
                    | Fault::WrongClock
            )
        })
    }
}

/// Carries messages between nodes.
struct Wires(Arc<Shared>);

impl PeerTransport for Wires {
    fn send(
        &self,
        to: &Node,
        message: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>> {
        let shared = self.0.clone();
        let key = to.ed25519();
        async move {
            let exchange = async {
                tokio::time::sleep(LATENCY).await;
                let node = shared.node(&key).ok_or(TransportError::Unreachable)?;
                let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
                match shared.fault(&key) {
                    Fault::Dead => return Err(TransportError::Unreachable),
                    Fault::Behind if timeout < MEMBERS_TAKE => return Err(TransportError::Unreachable),
                    Fault::WrongClock if timeout < MEMBERS_TAKE => return Err(TransportError::Refused(406)),
                    Fault::Silent => std::future::pending().await,
                    Fault::Slow(duration) => tokio::time::sleep(duration).await,
                    _ => {}
                }
                let response = node.handle(&http::Method::POST, PEER_PATH, message, peer).await;
                match shared.fault(&key) {
                    Fault::Dead | Fault::DiesAnswering => return Err(TransportError::Unreachable),
                    _ => {}
                }
                tokio::time::sleep(LATENCY).await;
                if response.status == 200 {
                    Ok(response.body)
                } else {
                    Err(TransportError::Refused(response.status))
                }
            };
            tokio::time::timeout(timeout, exchange)
                .await
                .unwrap_or(Err(TransportError::Timeout))
        }
        .boxed()
    }
}

/// The network. Cloning shares it.
#[derive(Clone)]
pub struct World {
    shared: Arc<Shared>,
    /// In the order of creation.
    pub nodes: Vec<Ed25519PublicKey>,
    gateway_up: Rc<Cell<bool>>,
    gateway_busy: Rc<Cell<bool>>,
    /// The list that a gateway tells instead of the true one.
    false_lists: Rc<RefCell<HashMap<&'static str, Vec<ServiceNode>>>>,
    /// Packets that went through each gateway.
    pub packets: Rc<Cell<u32>>,
    /// The keys of the guards that packets went to.
    pub guards_used: Rc<RefCell<Vec<Ed25519PublicKey>>>,
    bundled: Rc<RefCell<Option<Vec<ServiceNode>>>>,
    files: Rc<RefCell<Option<files::Files>>>,
    registry: Rc<Registry>,
    clock: Arc<holdfast_node::clock::TokioClock>,
    start: tokio::time::Instant,
}

impl World {
    /// Eight nodes in two swarms of four.
    pub async fn new() -> Self {
        Self::with_nodes(8, 2).await
    }

    /// So many nodes, spread evenly over so many swarms.
    pub async fn with_nodes(count: u8, swarms: u8) -> Self {
        let shared = Arc::new(Shared::default());
        let mut listed = Vec::new();
        let mut machines = Vec::new();
        for number in 0..count {
            let keys = Ed25519KeyPair::from_seed(&[number + 1; 32]);
            let swarm = u64::from(number % swarms) * (u64::MAX / u64::from(swarms));
            let service = service(&keys, number, swarm);
            let mut node = Node::new(keys.public()).unwrap();
            node.ip = service.ip;
            node.http_port = service.http_port;
            node.swarm = service.swarm;
            listed.push(node);
            machines.push((keys, service));
        }
        let registry = Registry::fixed(listed, 1);
        let clock = Arc::new(holdfast_node::clock::TokioClock::starting_at(START_MS));
        let mut nodes = Vec::new();
        for (keys, service) in machines {
            let node = start_node(&shared, &keys, &registry, &clock);
            nodes.push(keys.public());
            let machine = Machine {
                service,
                keys: keys.clone(),
                node,
                fault: Fault::None,
            };
            shared.machines.lock().unwrap().insert(keys.public(), machine);
        }
        Self {
            shared,
            nodes,
            gateway_up: Rc::new(Cell::new(true)),
            gateway_busy: Rc::default(),
            false_lists: Rc::default(),
            packets: Rc::default(),
            guards_used: Rc::default(),
            bundled: Rc::default(),
            files: Rc::default(),
            registry: Rc::new(registry),
            clock,
            start: tokio::time::Instant::now(),
        }
    }

    /// These nodes lose everything that they keep.
    pub fn lose_messages(&self, nodes: &[Ed25519PublicKey]) {
        for key in nodes {
            let keys = self.shared.keys(key).unwrap();
            let fresh = start_node(&self.shared, &keys, &self.registry, &self.clock);
            let mut machines = self.shared.machines.lock().unwrap();
            let lost = std::mem::replace(&mut machines.get_mut(key).unwrap().node, fresh);
            lost.stop();
        }
    }

    /// Breaks or mends a node.
    pub fn set_fault(&self, key: &Ed25519PublicKey, fault: Fault) {
        self.shared.machines.lock().unwrap().get_mut(key).unwrap().fault = fault;
    }

    /// Stops or starts the gateways.
    pub fn set_gateway(&self, up: bool) {
        self.gateway_up.set(up);
    }

    /// Lets the gateways say that they have no room, or have some again.
    pub fn set_gateway_busy(&self, busy: bool) {
        self.gateway_busy.set(busy);
    }

    /// What the first gateway says the nodes are.
    pub fn set_false_list(&self, nodes: Vec<ServiceNode>) {
        self.false_lists.borrow_mut().insert(GATEWAY, nodes);
    }

    /// So many machines that are on no list of the network. They relay, and name themselves beside the true nodes when they are
    /// asked for the list. Gives what they name.
    pub fn add_accomplices(&self, count: u8) -> Vec<ServiceNode> {
        let named: Vec<(Ed25519KeyPair, ServiceNode)> = (100..100 + count)
            .map(|number| {
                let keys = Ed25519KeyPair::from_seed(&[number; 32]);
                let node = service(&keys, number, u64::from(number % 2));
                (keys, node)
            })
            .collect();
        let mut list = self.list();
        list.extend(named.iter().map(|(_, node)| *node));
        let lie = names(&list);
        let start = self.start;
        let lie: Lie = Arc::new(move |request: &Request| match request {
            Request::ActiveNodesBin => Some((200, lie.clone().into_bytes())),
            Request::Info => {
                let now = START_MS + u64::try_from(start.elapsed().as_millis()).unwrap();
                let info = format!(r#"{{"version":[2,11,3],"timestamp":{now},"t":{now},"hf":[19,4]}}"#);
                Some((200, info.into_bytes()))
            }
            _ => None,
        });
        for (keys, service) in named {
            let node = start_node(&self.shared, &keys, &self.registry, &self.clock);
            let machine = Machine {
                service,
                keys: keys.clone(),
                node,
                fault: Fault::Lying(lie.clone()),
            };
            self.shared
                .machines
                .lock()
                .unwrap()
                .insert(keys.public(), machine);
        }
        list
    }

    /// A list that ships with the app.
    pub fn set_bundled(&self, nodes: Vec<ServiceNode>) {
        *self.bundled.borrow_mut() = Some(nodes);
    }

    /// The true list.
    pub fn list(&self) -> Vec<ServiceNode> {
        let machines = self.shared.machines.lock().unwrap();
        self.nodes.iter().map(|key| machines[key].service).collect()
    }

    /// The nodes that keep an account's messages.
    pub fn swarm_of(&self, account: &Id) -> Vec<Ed25519PublicKey> {
        let list = self.list();
        let ids = holdfast_protocol::nodes::swarm_ids(&list);
        let swarm = holdfast_protocol::swarm::swarm_of(account.key(), &ids).unwrap();
        list.iter()
            .filter(|node| node.swarm == swarm)
            .map(|node| node.ed25519)
            .collect()
    }

    /// Puts bytes into an account's mailbox, as any sender can.
    pub async fn deposit(&self, to: &Id, data: Vec<u8>) {
        let store = Store::new(*to, Namespace::MESSAGES, data, self.now_ms(), TTL_DEFAULT);
        let node = self.shared.node(&self.swarm_of(to)[0]).unwrap();
        let body = Request::Store(store).to_json_body();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let answer = node
            .handle(&http::Method::POST, "/storage_rpc/v1", body.into(), peer)
            .await;
        assert_eq!(answer.status, 200);
    }

    /// How many messages a node holds.
    pub fn messages_on(&self, key: &Ed25519PublicKey) -> u64 {
        self.shared.node(key).unwrap().message_count().unwrap()
    }

    /// The profile of this network.
    pub fn profile(&self) -> NetworkProfile {
        let json = format!(
            r#"{{"name":"test","gateways":["{GATEWAY}"],"local":true,"minimum_nodes":4,"subnet_diversity":false}}"#
        );
        self.with_file_server(NetworkProfile::from_json(json.as_bytes()).unwrap())
    }

    /// The profile of the same network without gateways.
    pub fn direct_profile(&self) -> NetworkProfile {
        NetworkProfile {
            gateways: Vec::new(),
            direct: true,
            seeds: vec![SEED.to_owned()],
            ..self.profile()
        }
    }

    /// The profile with a second gateway and a bundled list.
    pub fn guarded_profile(&self) -> NetworkProfile {
        NetworkProfile {
            gateways: vec![GATEWAY.to_owned(), OTHER_GATEWAY.to_owned()],
            bundled_nodes: Some(format!("{GATEWAY}/bundled.json")),
            ..self.profile()
        }
    }

    /// The profile with three gateways and no bundled list.
    pub fn three_gateways_profile(&self) -> NetworkProfile {
        let gateways = [GATEWAY, OTHER_GATEWAY, THIRD_GATEWAY];
        NetworkProfile {
            gateways: gateways.map(str::to_owned).to_vec(),
            ..self.profile()
        }
    }

    async fn serve(&self, request: HttpRequest) -> Result<HttpResponse, NetworkError> {
        tokio::time::sleep(LATENCY).await;
        let answer = if let Some(path) = request.url.strip_prefix(GATEWAY) {
            self.gateway(GATEWAY, path, request.body).await
        } else if let Some(path) = request.url.strip_prefix(OTHER_GATEWAY) {
            self.gateway(OTHER_GATEWAY, path, request.body).await
        } else if let Some(path) = request.url.strip_prefix(THIRD_GATEWAY) {
            self.gateway(THIRD_GATEWAY, path, request.body).await
        } else if request.url == SEED {
            let list = String::from_utf8(list_response(&self.list()).body).unwrap();
            Ok(response(200, &[], format!(r#"{{"result":{list}}}"#).into_bytes()))
        } else {
            self.direct(&request.url, request.body).await
        };
        tokio::time::sleep(LATENCY).await;
        answer
    }

    /// A node at its own address.
    async fn direct(&self, url: &str, body: Vec<u8>) -> Result<HttpResponse, NetworkError> {
        let asked = |node: &&ServiceNode| format!("{}/onion_req/v2", node.base_url()) == url;
        let list = self.list();
        let node = list.iter().find(asked).ok_or(NetworkError::Unreachable)?;
        self.guards_used.borrow_mut().push(node.ed25519);
        let answer = self.at_guard(&node.ed25519, body).await;
        let (status, body) = answer.ok_or(NetworkError::Unreachable)?;
        Ok(response(status, &[], body))
    }

    async fn gateway(
        &self,
        name: &'static str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<HttpResponse, NetworkError> {
        if !self.gateway_up.get() {
            return Err(NetworkError::Unreachable);
        }
        if path == "/bundled.json" {
            let bundled = self.bundled.borrow().clone();
            return bundled
                .map(|nodes| list_response(&nodes))
                .ok_or(NetworkError::Unreachable);
        }
        if self.gateway_busy.get() {
            return Ok(response(429, &[("x-gateway-error", "busy")], Vec::new()));
        }
        if path == "/v1/nodes" {
            let told = self.false_lists.borrow().get(name).cloned();
            return Ok(list_response(&told.unwrap_or_else(|| self.list())));
        }
        let Some(key) = path.strip_prefix("/v1/onion/") else {
            return Ok(response(404, &[], Vec::new()));
        };
        let guard = Ed25519PublicKey::from_hex(key).unwrap();
        self.packets.set(self.packets.get() + 1);
        self.guards_used.borrow_mut().push(guard);
        let Some(answer) = self.at_guard(&guard, body).await else {
            return Ok(response(502, &[("x-gateway-error", "guard-connect")], Vec::new()));
        };
        if !self.gateway_up.get() {
            return Err(NetworkError::Unreachable);
        }
        let (status, body) = answer;
        Ok(response(200, &[("x-guard-status", &status.to_string())], body))
    }

    /// What a guard answers; `None` when it can't be reached.
    async fn at_guard(&self, guard: &Ed25519PublicKey, packet: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        // What lies behind the last hop is reached from here too.
        if self.shared.any_lies() || self.files.borrow().is_some() {
            return self.through_liars(*guard, packet).await;
        }
        let node = self.shared.node(guard)?;
        match self.shared.fault(guard) {
            Fault::Dead => return None,
            Fault::Silent => std::future::pending().await,
            Fault::Slow(duration) => tokio::time::sleep(duration).await,
            _ => {}
        }
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let answer = node
            .handle(&http::Method::POST, "/onion_req/v2", packet.into(), peer)
            .await;
        match self.shared.fault(guard) {
            Fault::Dead | Fault::DiesAnswering => None,
            _ => Some((answer.status, answer.body.to_vec())),
        }
    }

    /// The same with hops played here, so that each of them and the destination may lie. The store behind is real.
    async fn through_liars(&self, guard: Ed25519PublicKey, packet: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        if let Fault::LosesLarge(most) = self.shared.fault(&guard)
            && packet.len() > most
        {
            return Some((504, b"Request time out".to_vec()));
        }
        let mut at = guard;
        let mut peeled = onion::peel(&self.shared.keys(&guard)?.x25519(), &packet);
        loop {
            let gone = |text: &str| Some((502, format!("{text}: {}", at.to_hex()).into_bytes()));
            match self.shared.fault(&at) {
                Fault::Dead if at == guard => return None,
                Fault::Dead => return gone("Next node is currently unreachable"),
                Fault::Silent => std::future::pending().await,
                Fault::Slow(duration) => tokio::time::sleep(duration).await,
                Fault::GarbageHop => return Some((200, vec![0xa5; 333])),
                Fault::ForgingHop(status, text) => {
                    let (own, is_final) = (at, matches!(peeled, Ok(Peeled::Final { .. })));
                    // It answers for itself, to look alive.
                    if !is_final {
                        return Some((status, text.replace("{own}", &own.to_hex()).into_bytes()));
                    }
                }
                _ => {}
            }
            tokio::time::sleep(LATENCY).await;
            match peeled {
                Ok(Peeled::RelayToNode { next, packet, .. }) => {
                    at = next;
                    let Some(keys) = self.shared.keys(&at) else {
                        return Some((502, format!("Next node not found: {at}").into_bytes()));
                    };
                    peeled = packet.peel(&keys.x25519());
                }
                Ok(Peeled::Final {
                    body,
                    options,
                    reply_key,
                    ..
                }) => {
                    let (status, answer) = self.at_destination(&at, body).await;
                    let body = match std::str::from_utf8(&answer) {
                        Ok(json) if json.starts_with('{') => Body::Json(&answer),
                        Ok(text) => Body::Text(text),
                        Err(_) => Body::Binary(&answer),
                    };
                    return Some((
                        200,
                        onion::seal_reply(&reply_key, options, status, body, &mut TestRng),
                    ));
                }
                Ok(Peeled::RelayToServer { target, frame, .. }) => {
                    let files = self.files.borrow().clone();
                    let answer = match files {
                        Some(files) => files.post(&target, frame).await,
                        None => None,
                    };
                    let unreachable = || (502, b"Could not reach the server".to_vec());
                    return Some(answer.unwrap_or_else(unreachable));
                }
                _ => return Some((400, b"Invalid ciphertext".to_vec())),
            }
        }
    }

    async fn at_destination(&self, key: &Ed25519PublicKey, body: Vec<u8>) -> (u16, Vec<u8>) {
        let mut body = body;
        match (self.shared.fault(key), Request::from_json(&body)) {
            (Fault::Lying(lie), Ok(request)) => {
                if let Some(answer) = lie(&request) {
                    return answer;
                }
            }
            (Fault::WrongClock, Ok(request)) if stores(&request) => {
                return (406, b"Timestamp error".to_vec());
            }
            (Fault::Stock, Ok(Request::Batch(mut batch))) => {
                batch.wait_ms = None;
                body = Request::Batch(batch).to_json_body();
            }
            _ => {}
        }
        let node = self.shared.node(key).unwrap();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let answer = node
            .handle(&http::Method::POST, "/storage_rpc/v1", body.into(), peer)
            .await;
        let mut body = answer.body.to_vec();
        if matches!(self.shared.fault(key), Fault::Stock)
            && let Ok(text) = std::str::from_utf8(&body)
        {
            body = text.replace("\"wait\":25000", "\"other\":0").into_bytes();
        }
        (answer.status, body)
    }
}

/// Whether a request, or one in it, is to store something.
fn stores(request: &Request) -> bool {
    match request {
        Request::Store(_) => true,
        Request::Batch(batch) | Request::Sequence(batch) => batch.requests.iter().any(stores),
        _ => false,
    }
}

/// A node's entry in the list.
pub fn service(keys: &Ed25519KeyPair, number: u8, swarm: u64) -> ServiceNode {
    let node = ServiceNode::new(keys.public(), [10, 0, number, 1].into(), 0).unwrap();
    ServiceNode {
        http_port: Some(8_000 + u16::from(number)),
        swarm: SwarmId(swarm),
        ..node
    }
}

/// The answer to `active_nodes_bin` that names these nodes.
pub fn names(nodes: &[ServiceNode]) -> String {
    let records: Vec<_> = nodes
        .iter()
        .map(|node| ServiceNode {
            // Where the binary form puts the one port that a plain node has.
            https_port: node.http_port.unwrap(),
            ..*node
        })
        .collect();
    BASE64.encode(&encode_active_nodes(&records))
}

fn list_response(nodes: &[ServiceNode]) -> HttpResponse {
    let list = NodeList {
        states: nodes.iter().map(NodeState::of).collect(),
        ..NodeList::default()
    };
    response(200, &[], list.to_json())
}

fn response(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> HttpResponse {
    HttpResponse {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body,
    }
}

/// The system's randomness as the protocol crate takes it.
pub struct TestRng;

impl rand_core::TryRng for TestRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        SystemRng.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        SystemRng.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        SystemRng.fill(bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for TestRng {}

impl World {
    /// What a right clock shows.
    pub fn now_ms(&self) -> u64 {
        START_MS + u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }
}

/// A node with an empty memory.
fn start_node(
    shared: &Arc<Shared>,
    keys: &Ed25519KeyPair,
    registry: &Registry,
    clock: &Arc<holdfast_node::clock::TokioClock>,
) -> StorageNode {
    let options = storage::Options {
        rate: None,
        onion_rate: None,
        local_network: true,
        ..storage::Options::default()
    };
    let wires = Arc::new(Wires(shared.clone()));
    let node = StorageNode::new(keys.clone(), options, registry.watch(), wires, clock.clone()).unwrap();
    node.start();
    node
}

/// Runs a test's body where engines can be spawned.
pub async fn run<T>(body: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(body).await
}
