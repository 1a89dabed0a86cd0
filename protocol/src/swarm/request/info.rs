//! Requests that any node answers: `get_swarm` and `oxend_request` (spec/03-network.md §2.3, §3.14).

use super::RequestError;
use super::params::{Form, Params};
use super::writer::Writer;
use crate::json::check_limits;
use crate::swarm::{Address, MAX_BODY_SIZE};

/// Asks for the members of an account's swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSwarm {
    /// The account.
    pub account: Address,
}

impl GetSwarm {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        Ok(Self {
            account: params.account()?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.hex("pubkey", self.account.as_bytes());
    }
}

/// Asks the node's daemon. Nodes allow the endpoints `get_service_nodes` and `ons_resolve` only.
#[derive(Debug, Clone, PartialEq)]
pub struct OxendRequest {
    /// The daemon's endpoint.
    pub endpoint: String,
    /// Its parameters.
    pub params: Option<serde_json::Value>,
}

/// The endpoints that nodes pass on.
const ENDPOINTS: [&str; 2] = ["get_service_nodes", "ons_resolve"];

impl OxendRequest {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let endpoint = Params::require("endpoint", params.text("endpoint")?)?;
        let endpoint = core::str::from_utf8(endpoint)
            .ok()
            .filter(|endpoint| ENDPOINTS.contains(endpoint))
            .ok_or_else(|| RequestError::invalid("oxend endpoint not allowed"))?;
        let inner = match (params.form(), params.get("params")) {
            (_, None) => None,
            (Form::Json, Some(value)) => Some(value.to_value()),
            (Form::Bt, Some(_)) => {
                let text = params.text("params")?.unwrap_or_default();
                let bad = || RequestError::invalid("'params' must be a JSON text");
                check_limits(text, MAX_BODY_SIZE).map_err(|_| bad())?;
                Some(serde_json::from_slice(text).map_err(|_| bad())?)
            }
        };
        Ok(Self {
            endpoint: endpoint.to_owned(),
            params: inner,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.text("endpoint", &self.endpoint);
        if let Some(params) = &self.params {
            writer.value("params", params);
        }
    }
}
