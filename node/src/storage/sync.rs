//! Repairing differences: members compare digests per account and fetch what they miss; accounts that belong to another
//! swarm are handed over (spec/03-network.md §8.3, §8.4).
//!
//! Rows are believed as far as they prove themselves (a row's hash is computed again). Deletions travel only as the
//! operations that the owner signed, and are verified like any other.

mod contents;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_protocol::swarm::{
    Address, MAX_MESSAGE_SIZE, MAX_TTL_MS, Namespace, NamespaceClass, STORE_TOLERANCE_MS, message_hash,
};
use rusqlite::Connection;
use tokio::time::Instant;

use super::Inner;
use super::db::{self, Account, AccountState, Hash, NewMessage, Operation, RowState, SyncOutcome};
use super::member::run_forwarded;
use super::service::to_hash;
use crate::peer::Call;
use crate::peer::links::Forward;
use crate::peer::transport::TransportError;
use crate::peer::wire::{Reader, WireError, Writer};
use crate::registry::Node;
use contents::{Contents, Names, read_state, write_state};

/// Accounts in one page of digests.
const DIGEST_PAGE: usize = 2_000;
/// Accounts whose contents are asked for at once.
const STATE_BATCH: usize = 32;
/// Rows asked for at once.
const FETCH_ROWS: usize = 2_000;
/// Rows of one account that are told; more would not fit into a message.
const STATE_ROWS: usize = 200_000;
/// Bytes in one answer, beyond which no further item is added; the rest is asked for again.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long one member may be compared with at a time: the others wait for their turn. What was learnt until then stays, so
/// that the next comparison goes on from there.
const MEMBER_TIME: Duration = Duration::from_secs(300);

/// Why a comparison ended early.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error("it tells the same accounts again")]
    NoProgress,
    #[error("it answered about another account")]
    OtherAccount,
    #[error("it takes longer than its share")]
    TooLong,
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Db(#[from] db::DbError),
}

impl SyncError {
    /// Whether it may be about the one account that was asked for, so that others can still be compared.
    const fn may_be_of_one_account(&self) -> bool {
        matches!(self, Self::OtherAccount | Self::Transport(_) | Self::Wire(_))
    }
}

/// Compares with every member of our swarm, and hands over. True if nobody failed.
pub(super) async fn synchronise(inner: &Arc<Inner>) -> bool {
    let list = inner.list();
    let mut complete = true;
    let members: Vec<Node> = inner
        .swarm(&list)
        .into_iter()
        .flat_map(|swarm| list.members(swarm))
        .filter(|node| node.ed25519() != inner.public)
        .cloned()
        .collect();
    for member in &members {
        let visit = Visit {
            inner,
            member,
            until: Instant::now() + MEMBER_TIME,
        };
        if let Err(error) = visit.learn().await {
            tracing::debug!(%error, "a member could not be compared with");
            complete = false;
        }
    }
    match hand_over(inner).await {
        Ok(all) => complete && all,
        Err(error) => {
            tracing::warn!(%error, "messages could not be handed over");
            false
        }
    }
}

/// One comparison with one member.
struct Visit<'a> {
    inner: &'a Arc<Inner>,
    member: &'a Node,
    until: Instant,
}

impl Visit<'_> {
    /// One exchange with the member. Everything here that repeats itself asks, so that it ends in time whatever the member
    /// answers.
    async fn ask(&self, call: Call, body: &[u8]) -> Result<Bytes, SyncError> {
        if Instant::now() >= self.until {
            return Err(SyncError::TooLong);
        }
        Ok(self.inner.links.call(self.member, call, body, TIMEOUT).await?)
    }

    /// Fetches what a member has and we miss. An account that fails is passed over, and told at the end.
    async fn learn(&self) -> Result<(), SyncError> {
        let mut after: Option<Account> = None;
        let mut failed: Option<SyncError> = None;
        loop {
            let mut request = Writer::new();
            request
                .u8(u8::from(after.is_some()))
                .raw(after.as_ref().map_or(&[], |a| a.as_slice()));
            let mut page = Reader::new(self.ask(Call::Digests, &request.finish()).await?);
            let next: Option<Account> = if page.u8()? != 0 {
                Some(page.array()?)
            } else {
                None
            };
            if next.is_some() && next <= after {
                return Err(SyncError::NoProgress);
            }
            after = next;
            let mut different: Vec<Account> = Vec::new();
            for _ in 0..page.count(49)? {
                let (account, theirs) = (page.array::<33>()?, page.array::<16>()?);
                let now = self.inner.now();
                let ours = self.inner.db.read(|c| db::digest_of(c, &account, now))?;
                if ours != theirs && is_ours(self.inner, &account) {
                    different.push(account);
                }
            }
            let mut rest = different.as_slice();
            while !rest.is_empty() {
                let batch = rest.get(..STATE_BATCH).unwrap_or(rest);
                let (done, error) = self.learn_accounts(batch).await?;
                failed = failed.or(error);
                if done == 0 {
                    break;
                }
                rest = rest.get(done..).unwrap_or(&[]);
            }
            if after.is_none() {
                return failed.map_or(Ok(()), Err);
            }
        }
    }

    /// Asks for the contents of accounts and fetches what we miss of them. Returns how many are done with, and why the last
    /// of those failed, if it did: the next batch shows whether the member answers at all.
    async fn learn_accounts(&self, accounts: &[Account]) -> Result<(usize, Option<SyncError>), SyncError> {
        let mut request = Writer::new();
        request.len(accounts.len());
        for account in accounts {
            request.raw(account);
        }
        let mut reply = Reader::new(self.ask(Call::States, &request.finish()).await?);
        let answered = reply.count(8)?.min(accounts.len());
        for (number, account) in accounts.iter().take(answered).enumerate() {
            let theirs = read_state(&mut reply)?;
            match self.learn_account(account, theirs).await {
                Ok(()) => {}
                Err(error) if error.may_be_of_one_account() => {
                    tracing::debug!(%error, "an account could not be compared");
                    return Ok((number + 1, Some(error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((answered, None))
    }

    async fn learn_account(&self, account: &Account, theirs: AccountState) -> Result<(), SyncError> {
        let inner = self.inner;
        let now = inner.now();
        let ours = inner.db.read(|c| db::account_state(c, account, now))?;
        let known_ops: HashSet<Hash> = ours.operations.into_iter().collect();
        let known: HashMap<Hash, RowState> = ours.rows.into_iter().map(|row| (row.hash, row)).collect();
        let longer: Vec<RowState> = theirs
            .rows
            .iter()
            .filter(|row| known.get(&row.hash).is_some_and(|own| own.expiry < row.expiry))
            .filter(|row| row.expiry <= now.saturating_add(MAX_TTL_MS))
            .copied()
            .collect();
        if !longer.is_empty() {
            let account = *account;
            inner
                .db
                .write(move |w| {
                    longer.iter().try_for_each(|row| {
                        let told = RowState {
                            touched: row.touched.min(now),
                            ..*row
                        };
                        w.adopt_expiry(&account, &told).map(|_| ())
                    })
                })
                .await?;
        }
        let mut ops: Vec<Hash> = theirs
            .operations
            .into_iter()
            .filter(|id| !known_ops.contains(id))
            .collect();
        let mut rows: Vec<Hash> = theirs
            .rows
            .iter()
            .map(|row| row.hash)
            .filter(|hash| !known.contains_key(hash))
            .collect();
        while !ops.is_empty() || !rows.is_empty() {
            // Operations first: they may have deleted some of the rows.
            let now_rows: Vec<Hash> = if ops.is_empty() {
                rows.iter().take(FETCH_ROWS).copied().collect()
            } else {
                Vec::new()
            };
            let request = Names {
                account: *account,
                rows: now_rows,
                operations: ops.iter().take(FETCH_ROWS).copied().collect(),
            };
            let mut contents = Contents::decode(self.ask(Call::Fetch, &request.encode()).await?)?;
            if contents.account != *account {
                return Err(SyncError::OtherAccount);
            }
            // What nobody asked for is no progress.
            let asked: HashSet<Hash> = request.rows.iter().chain(&request.operations).copied().collect();
            if request.operations.is_empty() {
                contents.rows.retain(|row| asked.contains(&row.hash));
                contents.operations.clear();
                strike(&mut rows, &asked, contents.rows.iter().map(|row| row.hash));
            } else {
                contents.operations.retain(|op| asked.contains(&op.id));
                contents.rows.clear();
                strike(&mut ops, &asked, contents.operations.iter().map(|op| op.id));
            }
            take_over(inner, contents).await?;
        }
        Ok(())
    }
}

/// Strikes what was given. What did not fit is asked for again; where nothing was given, all that was asked for has gone.
fn strike(names: &mut Vec<Hash>, asked: &HashSet<Hash>, given: impl Iterator<Item = Hash>) {
    let given: HashSet<Hash> = given.collect();
    let done = if given.is_empty() { asked } else { &given };
    names.retain(|name| !done.contains(name));
}

fn is_ours(inner: &Inner, account: &Account) -> bool {
    let list = inner.list();
    let [_, key @ ..] = account;
    let ours = inner.swarm(&list);
    ours.is_some() && list.swarm_of(key) == ours
}

/// Verifies and keeps what another node sent for one account.
async fn take_over(inner: &Arc<Inner>, contents: Contents) -> Result<(), SyncError> {
    let batch: Vec<Forward> = contents
        .operations
        .into_iter()
        .map(|op| Forward {
            at: op.at,
            late: true,
            method: op.method,
            params: op.params.into(),
        })
        .collect();
    run_forwarded(inner, batch).await;
    let now = inner.now();
    let account = contents.account;
    let rows: Vec<NewMessage> = contents
        .rows
        .into_iter()
        .filter(|row| is_sound(row, now))
        .map(|row| NewMessage {
            // Nobody touched it in the future.
            touched: row.touched.min(now),
            ..row
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let adopted = inner
        .db
        .write(move |w| {
            let mut adopted = 0;
            for row in &rows {
                let outbox = Namespace(row.namespace).class() == NamespaceClass::PublicOutbox;
                if w.adopt(row, now, outbox)? == SyncOutcome::Inserted {
                    adopted += 1;
                }
            }
            Ok(adopted)
        })
        .await?;
    if adopted > 0 {
        inner.metrics.adopted.add(adopted);
        inner.waiters.notify(&account);
    }
    Ok(())
}

/// Whether a row could have been stored by a client.
fn is_sound(row: &NewMessage, now: u64) -> bool {
    let Ok(address) = Address::from_slice(&row.account) else {
        return false;
    };
    let namespace = Namespace(row.namespace);
    row.data.len() <= MAX_MESSAGE_SIZE
        && namespace.class() != NamespaceClass::Testing
        && row.timestamp <= now.saturating_add(STORE_TOLERANCE_MS)
        && row.expiry <= now.saturating_add(MAX_TTL_MS + STORE_TOLERANCE_MS)
        && to_hash(&message_hash(&address, namespace, &row.data)) == Some(row.hash)
}

/// Gives accounts that do not belong to us to the swarms they belong to. True if all of those members took them.
async fn hand_over(inner: &Arc<Inner>) -> Result<bool, SyncError> {
    let list = inner.list();
    let ours = inner.swarm(&list);
    let (mut after, mut complete) = (0, true);
    loop {
        let page = inner.db.read(|c| db::holdings(c, after, DIGEST_PAGE))?;
        let Some(last) = page.last() else {
            return Ok(complete);
        };
        after = last.owner;
        for holding in page {
            let [_, key @ ..] = &holding.account;
            let Some(swarm) = list.swarm_of(key) else { continue };
            if Some(swarm) == ours {
                if holding.handed.is_some() {
                    inner
                        .db
                        .write(move |w| w.forget_handed_over(holding.owner))
                        .await?;
                }
                continue;
            }
            if holding.handed == Some((swarm.0, holding.newest)) {
                continue;
            }
            let mut all = true;
            for member in list.members(swarm).filter(|node| node.ed25519() != inner.public) {
                if let Err(error) = give(inner, member, &holding.account).await {
                    tracing::debug!(%error, "a node did not take over what belongs to it");
                    all = false;
                }
            }
            complete &= all;
            // It may have become ours while it was given.
            if all && !is_ours(inner, &holding.account) {
                inner
                    .db
                    .write(move |w| w.keep_handed_over(&holding, swarm.0))
                    .await?;
            }
        }
    }
}

/// As much as fits into one message of what is named. Operations go first and alone: they may have deleted some of the
/// rows, and one of them may be as large as a request.
fn some_of(
    conn: &Connection,
    account: &Account,
    names: &Names,
    now: u64,
) -> rusqlite::Result<(Vec<NewMessage>, Vec<Operation>)> {
    let operations = db::operations(conn, &names.operations, ANSWER_BYTES)?;
    let rows = if operations.is_empty() {
        db::rows(conn, account, &names.rows, ANSWER_BYTES, now)?
    } else {
        Vec::new()
    };
    Ok((rows, operations))
}

/// Gives a node what it wants of an account.
async fn give(inner: &Arc<Inner>, member: &Node, account: &Account) -> Result<(), SyncError> {
    let now = inner.now();
    let state = inner.db.read(|c| db::account_state(c, account, now))?;
    let all: Vec<Hash> = state.rows.iter().map(|row| row.hash).collect();
    let mut operations = state.operations;
    let mut chunks = all.chunks(FETCH_ROWS);
    let mut rows = chunks.next().unwrap_or(&[]);
    loop {
        let offer = Names {
            account: *account,
            rows: rows.to_vec(),
            operations: std::mem::take(&mut operations),
        };
        let reply = inner
            .links
            .call(member, Call::Wanted, &offer.encode(), TIMEOUT)
            .await?;
        let mut wanted = Names::decode(reply)?;
        while !wanted.rows.is_empty() || !wanted.operations.is_empty() {
            let (rows, operations) = inner.db.read(|c| some_of(c, account, &wanted, now))?;
            if rows.is_empty() && operations.is_empty() {
                break;
            }
            let given: HashSet<Hash> = rows
                .iter()
                .map(|row| row.hash)
                .chain(operations.iter().map(|op| op.id))
                .collect();
            wanted.rows.retain(|hash| !given.contains(hash));
            wanted.operations.retain(|id| !given.contains(id));
            inner
                .metrics
                .handed_over
                .add(u64::try_from(rows.len()).unwrap_or(0));
            let contents = Contents {
                account: *account,
                rows,
                operations,
            };
            inner
                .links
                .call(member, Call::Deliver, &contents.encode(), TIMEOUT)
                .await?;
        }
        match chunks.next() {
            Some(next) => rows = next,
            None => return Ok(()),
        }
    }
}

/// Answers [`Call::Digests`].
pub(super) fn digests(inner: &Inner, body: Bytes) -> Option<Bytes> {
    let mut reader = Reader::new(body);
    let after: Option<Account> = if reader.u8().ok()? != 0 {
        Some(reader.array().ok()?)
    } else {
        None
    };
    let now = inner.now();
    let (found, next) = inner
        .db
        .read(|c| db::digests(c, after.as_ref(), DIGEST_PAGE, now))
        .ok()?;
    let ours: Vec<_> = found
        .into_iter()
        .filter(|digest| is_ours(inner, &digest.account))
        .collect();
    let mut out = Writer::new();
    out.u8(u8::from(next.is_some()))
        .raw(next.as_ref().map_or(&[], |a| a.as_slice()))
        .len(ours.len());
    for digest in ours {
        out.raw(&digest.account).raw(&digest.digest);
    }
    Some(out.finish())
}

/// Answers [`Call::States`] for as many of the accounts as fit.
pub(super) fn states(inner: &Inner, body: Bytes) -> Option<Bytes> {
    let mut reader = Reader::new(body);
    let count = reader.count(33).ok()?;
    let now = inner.now();
    let (mut out, mut answered) = (Writer::new(), 0);
    while answered < count {
        let account: Account = reader.array().ok()?;
        let mut state = inner.db.read(|c| db::account_state(c, &account, now)).ok()?;
        state.rows.truncate(STATE_ROWS);
        let mut one = Writer::new();
        write_state(&mut one, &state);
        if answered > 0 && out.size() + one.size() > ANSWER_BYTES {
            break;
        }
        out.raw(&one.finish());
        answered += 1;
    }
    let mut framed = Writer::new();
    framed.len(answered).raw(&out.finish());
    Some(framed.finish())
}

/// Answers [`Call::Fetch`] with as much as fits.
pub(super) fn fetch(inner: &Inner, body: Bytes) -> Option<Bytes> {
    let names = Names::decode(body).ok()?;
    let now = inner.now();
    let (rows, operations) = inner.db.read(|c| some_of(c, &names.account, &names, now)).ok()?;
    Some(
        Contents {
            account: names.account,
            rows,
            operations,
        }
        .encode(),
    )
}

/// Answers [`Call::Wanted`]: those of the offered items that we miss. Refuses if the account is not ours, as far as we know:
/// who offers them must not take them for handed over.
pub(super) fn wanted(inner: &Inner, body: Bytes) -> Option<Bytes> {
    let mut names = Names::decode(body).ok()?;
    if !is_ours(inner, &names.account) {
        return None;
    }
    let now = inner.now();
    let state = inner
        .db
        .read(|c| db::account_state(c, &names.account, now))
        .ok()?;
    let rows: HashSet<Hash> = state.rows.iter().map(|row| row.hash).collect();
    let operations: HashSet<Hash> = state.operations.into_iter().collect();
    names.rows.retain(|hash| !rows.contains(hash));
    names.operations.retain(|id| !operations.contains(id));
    Some(names.encode())
}

/// Answers [`Call::Deliver`].
pub(super) async fn deliver(inner: &Arc<Inner>, body: Bytes) -> Option<Bytes> {
    let contents = Contents::decode(body).ok()?;
    if !is_ours(inner, &contents.account) {
        return None;
    }
    take_over(inner, contents).await.ok()?;
    Some(Bytes::new())
}
