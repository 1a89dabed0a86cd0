//! A whole network in one process under virtual time: real storage nodes, a gateway, engines over memory stores, and
//! faults of every kind in between.
//!
//! Start tests with `#[tokio::test(start_paused = true)]` inside a [`tokio::task::LocalSet`] ([`run`] does both halves):
//! whenever nothing is left to do, time jumps to the next timer, so that hours pass in a moment.

mod chance;
mod device;
mod files;
mod power;
mod serving;
mod wires;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use holdfast_client::NetworkProfile;
use holdfast_node::registry::Node;
use holdfast_node::registry::live::Registry;
use holdfast_protocol::account::Id;
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::nodes::{ServiceNode, encode_active_nodes};
use holdfast_protocol::swarm::request::{Request, Store};
use holdfast_protocol::swarm::{Namespace, SwarmId};

use wires::{Machine, Shared, start_node};

pub use chance::{Acts, Dice, SeededRng, TestRng, histories};
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

    /// What a right clock shows.
    pub fn now_ms(&self) -> u64 {
        START_MS + u64::try_from(self.start.elapsed().as_millis()).unwrap()
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

/// Runs a test's body where engines can be spawned.
pub async fn run<T>(body: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(body).await
}
