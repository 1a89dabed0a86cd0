//! `batch`, `sequence` and `ifelse` (spec/03-network.md §3.15).

use super::params::{Param, Params};
use super::retrieve::{parse_wait, write_wait};
use super::writer::Writer;
use super::{Request, RequestError};

/// Most requests in one batch or sequence (spec/03 §3.5).
pub const MAX_BATCH: usize = 20;

/// Several requests in one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The requests, 1 to 20, none of them a batch, sequence or ifelse.
    pub requests: Vec<Request>,
    /// Holdfast: hold the answer back up to so many ms until one of the contained retrieves has a message.
    pub wait_ms: Option<u64>,
}

impl Batch {
    /// A batch that does not wait.
    pub const fn new(requests: Vec<Request>) -> Self {
        Self {
            requests,
            wait_ms: None,
        }
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let Some(Param::List(list)) = params.get("requests") else {
            return Err(RequestError::invalid("'requests' must be a list"));
        };
        if list.is_empty() || list.len() > MAX_BATCH {
            return Err(RequestError::invalid(format!(
                "'requests' must have 1 to {MAX_BATCH} elements"
            )));
        }
        let parse_one = |element: &Param<'_>| {
            let Param::Dict(call) = element else {
                return Err(RequestError::invalid("'requests' must hold objects"));
            };
            let request = Request::from_call(call)?;
            match request {
                Request::Batch(_) | Request::Sequence(_) | Request::IfElse(_) => {
                    Err(RequestError::invalid("batches cannot contain batches"))
                }
                request => Ok(request),
            }
        };
        Ok(Self {
            requests: list.iter().map(parse_one).collect::<Result<_, _>>()?,
            wait_ms: parse_wait(params)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.dicts("requests", &self.requests, |writer, request| {
            request.write_call(writer)
        });
        write_wait(writer, self.wait_ms);
    }
}

/// What must hold, all of it; at least one field is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// The hard fork and its revision are at least this.
    pub hf_at_least: Option<[u64; 2]>,
    /// The hard fork and its revision are below this.
    pub hf_before: Option<[u64; 2]>,
    /// The node's version is at least this.
    pub v_at_least: Option<[u64; 3]>,
    /// The node's version is below this.
    pub v_before: Option<[u64; 3]>,
    /// The chain's height is at least this.
    pub height_at_least: Option<u64>,
    /// The chain's height is below this.
    pub height_before: Option<u64>,
}

impl Condition {
    /// Whether all of it holds.
    pub fn holds(&self, hf: [u64; 2], version: [u64; 3], height: u64) -> bool {
        self.hf_at_least.is_none_or(|bound| hf >= bound)
            && self.hf_before.is_none_or(|bound| hf < bound)
            && self.v_at_least.is_none_or(|bound| version >= bound)
            && self.v_before.is_none_or(|bound| version < bound)
            && self.height_at_least.is_none_or(|bound| height >= bound)
            && self.height_before.is_none_or(|bound| height < bound)
    }

    fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let condition = Self {
            hf_at_least: tuple(params, "hf_at_least")?,
            hf_before: tuple(params, "hf_before")?,
            v_at_least: tuple(params, "v_at_least")?,
            v_before: tuple(params, "v_before")?,
            height_at_least: params.unsigned("height_at_least", false)?,
            height_before: params.unsigned("height_before", false)?,
        };
        if condition == Self::default() {
            return Err(RequestError::invalid("'if' has no condition"));
        }
        Ok(condition)
    }

    fn write(&self, writer: &mut Writer) {
        let list = |writer: &mut Writer, name: &str, numbers: Option<Vec<i128>>| {
            if let Some(numbers) = numbers {
                writer.ints(name, &numbers);
            }
        };
        let pair = |bound: Option<[u64; 2]>| bound.map(|bound| bound.map(i128::from).to_vec());
        let triple = |bound: Option<[u64; 3]>| bound.map(|bound| bound.map(i128::from).to_vec());
        if let Some(height) = self.height_at_least {
            writer.int("height_at_least", height);
        }
        if let Some(height) = self.height_before {
            writer.int("height_before", height);
        }
        list(writer, "hf_at_least", pair(self.hf_at_least));
        list(writer, "hf_before", pair(self.hf_before));
        list(writer, "v_at_least", triple(self.v_at_least));
        list(writer, "v_before", triple(self.v_before));
    }
}

/// A list of exactly `N` unsigned integers.
fn tuple<const N: usize>(params: &Params<'_>, name: &str) -> Result<Option<[u64; N]>, RequestError> {
    let bad = || RequestError::invalid(format!("'{name}' must be a list of {N} integers"));
    match params.get(name) {
        None => Ok(None),
        Some(Param::List(list)) => {
            let numbers: Option<Vec<u64>> = list
                .iter()
                .map(|element| match element {
                    Param::Int(number) => u64::try_from(*number).ok(),
                    _ => None,
                })
                .collect();
            let numbers = numbers.and_then(|numbers| <[u64; N]>::try_from(numbers).ok());
            numbers.map(Some).ok_or_else(bad)
        }
        Some(_) => Err(bad()),
    }
}

/// One of two requests, by the state of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct IfElse {
    /// What is asked.
    pub condition: Condition,
    /// Carried out when it holds.
    pub then: Option<Request>,
    /// Carried out when it does not.
    pub otherwise: Option<Request>,
}

impl IfElse {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let condition = Condition::parse(Params::require("if", params.dict("if")?)?)?;
        let then = params.dict("then")?.map(Request::from_call).transpose()?;
        let otherwise = params.dict("else")?.map(Request::from_call).transpose()?;
        if then.is_none() && otherwise.is_none() {
            return Err(RequestError::invalid("'ifelse' needs 'then' or 'else'"));
        }
        Ok(Self {
            condition,
            then,
            otherwise,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        if let Some(request) = &self.otherwise {
            writer.dict("else", |writer| request.write_call(writer));
        }
        writer.dict("if", |writer| self.condition.write(writer));
        if let Some(request) = &self.then {
            writer.dict("then", |writer| request.write_call(writer));
        }
    }
}
