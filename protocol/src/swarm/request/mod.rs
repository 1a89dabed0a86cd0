//! Requests to a storage node: one struct per method, with its rules for JSON and bt bodies (spec/03-network.md §3).
//!
//! Both directions live side by side: [`Request::from_json`] and [`Request::from_bt`] are what a node reads,
//! [`Request::to_json_body`] and [`Request::params_bt`] what a client sends and what members forward to each other.
//! Parsing refuses with the code and text that the network's nodes use.

mod batch;
mod delete;
mod expire;
mod info;
mod params;
#[cfg(test)]
mod properties;
mod retrieve;
mod revoke;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use batch::{Batch, Condition, IfElse, MAX_BATCH};
pub use delete::{Delete, DeleteAll, DeleteBefore};
pub use expire::{Expire, ExpireAll, ExpireMode, GetExpiries};
pub use info::{GetSwarm, OxendRequest};
pub use params::{Form, MAX_REQUEST_DEPTH};
pub use retrieve::{MAX_WAIT_MS, Retrieve, RetrieveLimits, message_cost};
pub use revoke::{MAX_REVOCATIONS, Revoke, RevokedSubaccounts, Unrevoke};
pub use store::{Store, StoreCheck};

use super::auth::{Auth, SubaccountAuth};
use super::{Address, MAX_BODY_SIZE};
use params::{Param, Params};
use std::borrow::Cow;
use writer::Writer;

/// A refusal as a node sends it: a status code and its plain text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub struct RequestError {
    /// HTTP-style status (spec/03 §3.6).
    pub code: u16,
    /// The body, plain text.
    pub text: Cow<'static, str>,
}

impl RequestError {
    /// Any refusal.
    pub fn new(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// 400 for a parameter that breaks a rule.
    pub(crate) fn invalid(detail: impl core::fmt::Display) -> Self {
        Self::new(400, format!("invalid request: {detail}"))
    }

    /// 401 for a missing or wrong signature.
    pub(crate) fn unauthorized(method: &str, detail: &str) -> Self {
        Self::new(401, format!("{method}: {detail}"))
    }

    /// 406 for a time too far from the node's clock.
    pub(crate) fn clock() -> Self {
        Self::new(406, "Timestamp error: check your clock")
    }
}

/// A request to a storage node.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Stores a message.
    Store(Store),
    /// Reads messages of one namespace.
    Retrieve(Retrieve),
    /// Deletes messages by hash.
    Delete(Delete),
    /// Deletes all messages of a namespace or account.
    DeleteAll(DeleteAll),
    /// Deletes the messages up to a time.
    DeleteBefore(DeleteBefore),
    /// Changes the expiry of messages.
    Expire(Expire),
    /// Shortens the expiry of all messages.
    ExpireAll(ExpireAll),
    /// Reads the expiry of messages.
    GetExpiries(GetExpiries),
    /// Takes access from subaccounts.
    RevokeSubaccount(Revoke),
    /// Gives revoked subaccounts their access back.
    UnrevokeSubaccount(Unrevoke),
    /// Lists the revoked subaccounts.
    RevokedSubaccounts(RevokedSubaccounts),
    /// Asks for the members of an account's swarm.
    GetSwarm(GetSwarm),
    /// Asks for the node's version and time.
    Info,
    /// Asks for the active nodes in binary form.
    ActiveNodesBin,
    /// Asks the node's daemon.
    OxendRequest(OxendRequest),
    /// Several requests in any order.
    Batch(Batch),
    /// Several requests in order, up to the first refusal.
    Sequence(Batch),
    /// One of two requests, by the state of the network.
    IfElse(Box<IfElse>),
}

impl Request {
    /// Parses a whole body `{"method":…,"params":{…}}`.
    ///
    /// # Errors
    /// 400 for anything malformed, also for an unknown method; 413 for a body over 10 MiB.
    pub fn from_json(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_BODY_SIZE {
            return Err(RequestError::new(413, "request body too large"));
        }
        let body = Param::from_json(body).map_err(|_| RequestError::invalid("body is not valid json"))?;
        let body = body
            .into_dict()
            .ok_or_else(|| RequestError::invalid("body is not an object"))?;
        Self::from_call(&body)
    }

    /// Parses the parameters of a method, in JSON when they begin with `{` and in bt otherwise; empty means none
    /// (the OMQ and QUIC form, which members also use to forward).
    ///
    /// # Errors
    /// 400 for anything malformed, also for an unknown method; 413 for a body over 10 MiB.
    pub fn from_params(method: &str, params: &[u8]) -> Result<Self, RequestError> {
        if params.first() == Some(&b'{') {
            if params.len() > MAX_BODY_SIZE {
                return Err(RequestError::new(413, "request body too large"));
            }
            let params =
                Param::from_json(params).map_err(|_| RequestError::invalid("params are not valid json"))?;
            let params = params
                .into_dict()
                .ok_or_else(|| RequestError::invalid("params are not an object"))?;
            return Self::from_method(method, &params);
        }
        Self::from_bt(method, params)
    }

    /// Parses the bencoded parameters of a method; empty means none.
    ///
    /// # Errors
    /// 400 for anything malformed, also for an unknown method.
    pub fn from_bt(method: &str, params: &[u8]) -> Result<Self, RequestError> {
        if params.is_empty() {
            return Self::from_method(method, &Params::empty(Form::Bt));
        }
        let params = Param::from_bt(params).map_err(RequestError::invalid)?;
        let params = params
            .into_dict()
            .ok_or_else(|| RequestError::invalid("params are not a dict"))?;
        Self::from_method(method, &params)
    }

    /// Parses `method` and `params` out of an object.
    fn from_call(call: &Params<'_>) -> Result<Self, RequestError> {
        let method = Params::require("method", call.text("method")?)?;
        let params = Params::require("params", call.dict("params")?)?;
        let method = core::str::from_utf8(method).map_err(|_| RequestError::invalid("method is not text"))?;
        Self::from_method(method, params)
    }

    fn from_method(method: &str, params: &Params<'_>) -> Result<Self, RequestError> {
        Ok(match method {
            "store" => Self::Store(Store::parse(params)?),
            "retrieve" => Self::Retrieve(Retrieve::parse(params)?),
            "delete" => Self::Delete(Delete::parse(params)?),
            "delete_all" => Self::DeleteAll(DeleteAll::parse(params)?),
            "delete_before" => Self::DeleteBefore(DeleteBefore::parse(params)?),
            "expire" => Self::Expire(Expire::parse(params)?),
            "expire_all" => Self::ExpireAll(ExpireAll::parse(params)?),
            "get_expiries" => Self::GetExpiries(GetExpiries::parse(params)?),
            "revoke_subaccount" => Self::RevokeSubaccount(Revoke::parse(params)?),
            "unrevoke_subaccount" => Self::UnrevokeSubaccount(Unrevoke::parse(params)?),
            "revoked_subaccounts" => Self::RevokedSubaccounts(RevokedSubaccounts::parse(params)?),
            "get_swarm" | "get_snodes_for_pubkey" => Self::GetSwarm(GetSwarm::parse(params)?),
            "info" => Self::Info,
            "active_nodes_bin" => Self::ActiveNodesBin,
            "oxend_request" => Self::OxendRequest(OxendRequest::parse(params)?),
            "batch" => Self::Batch(Batch::parse(params)?),
            "sequence" => Self::Sequence(Batch::parse(params)?),
            "ifelse" => Self::IfElse(Box::new(IfElse::parse(params)?)),
            _ => return Err(RequestError::new(400, format!("no method {method}"))),
        })
    }

    /// The method's name on the wire.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Retrieve(_) => "retrieve",
            Self::Delete(_) => "delete",
            Self::DeleteAll(_) => "delete_all",
            Self::DeleteBefore(_) => "delete_before",
            Self::Expire(_) => "expire",
            Self::ExpireAll(_) => "expire_all",
            Self::GetExpiries(_) => "get_expiries",
            Self::RevokeSubaccount(_) => "revoke_subaccount",
            Self::UnrevokeSubaccount(_) => "unrevoke_subaccount",
            Self::RevokedSubaccounts(_) => "revoked_subaccounts",
            Self::GetSwarm(_) => "get_swarm",
            Self::Info => "info",
            Self::ActiveNodesBin => "active_nodes_bin",
            Self::OxendRequest(_) => "oxend_request",
            Self::Batch(_) => "batch",
            Self::Sequence(_) => "sequence",
            Self::IfElse(_) => "ifelse",
        }
    }

    /// The account whose swarm must handle this; nothing for requests that any node answers. A node in another swarm
    /// answers 421, after parsing and before looking at times and signatures (spec/03 §2.4). `get_swarm` is answered by
    /// any node.
    pub const fn account(&self) -> Option<&Address> {
        match self {
            Self::Store(request) => Some(&request.account),
            Self::Retrieve(request) => Some(&request.account),
            Self::Delete(request) => Some(&request.account),
            Self::DeleteAll(request) => Some(&request.account),
            Self::DeleteBefore(request) => Some(&request.account),
            Self::Expire(request) => Some(&request.account),
            Self::ExpireAll(request) => Some(&request.account),
            Self::GetExpiries(request) => Some(&request.account),
            Self::RevokeSubaccount(request) => Some(&request.account),
            Self::UnrevokeSubaccount(request) => Some(&request.account),
            Self::RevokedSubaccounts(request) => Some(&request.account),
            Self::GetSwarm(_)
            | Self::Info
            | Self::ActiveNodesBin
            | Self::OxendRequest(_)
            | Self::Batch(_)
            | Self::Sequence(_)
            | Self::IfElse(_) => None,
        }
    }

    /// Whether the entry node carries this out on every member of the swarm (spec/03 §3.8).
    pub const fn is_recursive(&self) -> bool {
        matches!(
            self,
            Self::Store(_)
                | Self::Delete(_)
                | Self::DeleteAll(_)
                | Self::DeleteBefore(_)
                | Self::Expire(_)
                | Self::ExpireAll(_)
                | Self::RevokeSubaccount(_)
                | Self::UnrevokeSubaccount(_)
        )
    }

    /// The whole JSON body `{"method":…,"params":{…}}`.
    pub fn to_json_body(&self) -> Vec<u8> {
        let mut writer = Writer::new(Form::Json);
        self.write_call(&mut writer);
        writer.finish()
    }

    /// The parameters alone as JSON.
    pub fn params_json(&self) -> Vec<u8> {
        let mut writer = Writer::new(Form::Json);
        self.write_params(&mut writer);
        writer.finish()
    }

    /// The parameters alone as a bt dict, as members forward them. Everything that was signed is in it.
    pub fn params_bt(&self) -> Vec<u8> {
        let mut writer = Writer::new(Form::Bt);
        self.write_params(&mut writer);
        writer.finish()
    }

    fn write_call(&self, writer: &mut Writer) {
        writer.text("method", self.method());
        writer.dict("params", |writer| self.write_params(writer));
    }

    fn write_params(&self, writer: &mut Writer) {
        match self {
            Self::Store(request) => request.write(writer),
            Self::Retrieve(request) => request.write(writer),
            Self::Delete(request) => request.write(writer),
            Self::DeleteAll(request) => request.write(writer),
            Self::DeleteBefore(request) => request.write(writer),
            Self::Expire(request) => request.write(writer),
            Self::ExpireAll(request) => request.write(writer),
            Self::GetExpiries(request) => request.write(writer),
            Self::RevokeSubaccount(request) => request.write(writer),
            Self::UnrevokeSubaccount(request) => request.write(writer),
            Self::RevokedSubaccounts(request) => request.write(writer),
            Self::GetSwarm(request) => request.write(writer),
            Self::Info | Self::ActiveNodesBin => {}
            Self::OxendRequest(request) => request.write(writer),
            Self::Batch(batch) | Self::Sequence(batch) => batch.write(writer),
            Self::IfElse(choice) => choice.write(writer),
        }
    }
}

/// Reads the signature and what belongs to it. Without a signature the companions are parsed all the same, so that
/// malformed ones are refused.
fn parse_auth(params: &Params<'_>, account: &Address) -> Result<Option<Auth>, RequestError> {
    let ed25519 = params.ed25519()?;
    if ed25519.is_some() && account.x25519().is_none() {
        return Err(RequestError::invalid(
            "pubkey_ed25519 is only allowed for 05 accounts",
        ));
    }
    let signature = params.signature("signature")?;
    let token = params.token("subaccount")?;
    let token_signature = match params.text("subaccount_sig")? {
        None | Some([]) => None,
        Some(_) => params.signature("subaccount_sig")?,
    };
    let subaccount = match (token, token_signature) {
        (Some(token), Some(signature)) => Some(SubaccountAuth { token, signature }),
        (None, None) => None,
        _ => {
            return Err(RequestError::invalid(
                "subaccount and subaccount_sig must be given together",
            ));
        }
    };
    Ok(signature.map(|signature| Auth {
        signature,
        ed25519,
        subaccount,
    }))
}

/// The signature of a method that has no use without one.
fn require_auth(params: &Params<'_>, account: &Address) -> Result<Auth, RequestError> {
    Params::require("signature", parse_auth(params, account)?)
}

/// The fields of [`Auth`] sort in two groups around those of each method: this is `pubkey` and `pubkey_ed25519`.
fn write_account(writer: &mut Writer, account: &Address, auth: Option<&Auth>) {
    writer.hex("pubkey", account.as_bytes());
    if let Some(key) = auth.and_then(|auth| auth.ed25519) {
        writer.hex("pubkey_ed25519", key.as_bytes());
    }
}

/// `signature`, `subaccount` and `subaccount_sig`.
fn write_signature(writer: &mut Writer, auth: Option<&Auth>) {
    let Some(auth) = auth else {
        return;
    };
    writer.binary("signature", auth.signature.as_bytes());
    if let Some(subaccount) = &auth.subaccount {
        writer.binary("subaccount", subaccount.token.as_bytes());
        writer.binary("subaccount_sig", subaccount.signature.as_bytes());
    }
}

macro_rules! into_request {
    ($($variant:ident($request:ty)),* $(,)?) => {
        $(impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$variant(request)
            }
        })*
    };
}

into_request! {
    Store(Store),
    Retrieve(Retrieve),
    Delete(Delete),
    DeleteAll(DeleteAll),
    DeleteBefore(DeleteBefore),
    Expire(Expire),
    ExpireAll(ExpireAll),
    GetExpiries(GetExpiries),
    RevokeSubaccount(Revoke),
    UnrevokeSubaccount(Unrevoke),
    RevokedSubaccounts(RevokedSubaccounts),
    GetSwarm(GetSwarm),
    OxendRequest(OxendRequest),
}
