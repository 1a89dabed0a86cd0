//! Subaccounts: how a group lets its members into its mailbox without giving them its key (spec/03-network.md §3.3).
//!
//! An admin makes 100 bytes of auth data for a member ([`issue`]); the member turns them into a [`SubaccountSigner`].
//! Nodes see a token under a blinded key, which does not tell who the member is.

use super::Address;
use super::auth::SubaccountAuth;
use crate::keys::{
    Ed25519KeyPair, Ed25519PublicKey, KeyError, Signature, multiply, multiply_base, scalar_from_wide,
};
use curve25519_dalek::Scalar;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// Bytes of the auth data that an admin hands to a member: token head, blinding factor and signature.
pub const AUTH_DATA_SIZE: usize = 100;

/// Key of the hash that makes a group's mask from its seed.
const MASK_KEY: &[u8] = b"SessionGroupSubaccountMask";
/// Key of the hash that makes a member's nonce seed.
const NONCE_SEED_KEY: &[u8] = b"SubaccountSeed";
/// Key of the hash that makes the nonce of a signature.
const NONCE_KEY: &[u8] = b"SubaccountSig";

/// What a subaccount may do; bits add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubaccountFlags(pub u8);

impl SubaccountFlags {
    /// Read messages.
    pub const READ: Self = Self(1);
    /// Store messages and extend their expiry.
    pub const WRITE: Self = Self(2);
    /// Delete messages and shorten their expiry.
    pub const DELETE: Self = Self(4);
    /// Valid for accounts of any prefix.
    pub const ANY_PREFIX: Self = Self(8);
    /// What ordinary group members get.
    pub const MEMBER: Self = Self(3);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of `other` are set here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A subaccount's name on the network: `prefix ‖ flags ‖ 00 00 ‖ Ed25519 key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubaccountToken([u8; Self::SIZE]);

impl SubaccountToken {
    /// Size in bytes.
    pub const SIZE: usize = 36;

    /// Puts a token together.
    pub fn new(prefix: u8, flags: SubaccountFlags, key: &Ed25519PublicKey) -> Self {
        let mut bytes = [0; Self::SIZE];
        let head = [prefix, flags.0, 0, 0];
        let source = head.iter().chain(key.as_bytes());
        bytes.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// Takes 36 bytes as they are.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        let expected = Self::SIZE;
        <[u8; Self::SIZE]>::try_from(bytes)
            .map(Self)
            .map_err(|_| KeyError::Length {
                expected,
                actual: bytes.len(),
            })
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// The account prefix it was made for.
    pub const fn prefix(&self) -> u8 {
        let [prefix, ..] = self.0;
        prefix
    }

    /// What it permits.
    pub const fn flags(&self) -> SubaccountFlags {
        let [_, flags, ..] = self.0;
        SubaccountFlags(flags)
    }

    /// The key that verifies its requests.
    pub fn key(&self) -> Ed25519PublicKey {
        let [_, _, _, _, key @ ..] = &self.0;
        Ed25519PublicKey::from_bytes(key)
    }

    /// Whether it fits the account and permits all of `needed`.
    pub fn permits(&self, account: &Address, needed: SubaccountFlags) -> bool {
        let prefix_fits =
            self.prefix() == account.prefix() || self.flags().contains(SubaccountFlags::ANY_PREFIX);
        prefix_fits && self.flags().contains(needed)
    }
}

/// Why subaccount auth data cannot be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubaccountError {
    /// The data has another length than 100 bytes.
    #[error("auth data must have {AUTH_DATA_SIZE} bytes")]
    Length,
    /// The data was made for another kind of account than a group, or its reserved bytes are set.
    #[error("auth data of another kind")]
    Kind,
    /// The member's id is no `05` account, or belongs to no curve point.
    #[error("not a member that can have a subaccount")]
    Member,
    /// The blinding factor is zero or not reduced, or a key with it is unusable.
    #[error("unusable blinding factor")]
    Factor,
    /// The group did not sign this token: the data is for another member or group.
    #[error("the group did not sign this for us")]
    Signature,
}

/// The token of a member of the group with this key pair.
pub fn token(
    group: &Ed25519KeyPair,
    member: &Address,
    flags: SubaccountFlags,
) -> Result<SubaccountToken, SubaccountError> {
    let positive = member
        .x25519()
        .and_then(|key| key.to_ed25519_positive().ok())
        .ok_or(SubaccountError::Member)?;
    let key = multiply(&factor(group, member), &positive).map_err(|_| SubaccountError::Member)?;
    Ok(SubaccountToken::new(GROUP_PREFIX, flags, &key))
}

/// The auth data that an admin sends to a member: `03 ‖ flags ‖ 00 00 ‖ factor ‖ signature over the token`.
///
/// # Errors
/// [`SubaccountError::Member`] when the member's id is no `05` account or no curve point.
pub fn issue(
    group: &Ed25519KeyPair,
    member: &Address,
    flags: SubaccountFlags,
) -> Result<[u8; AUTH_DATA_SIZE], SubaccountError> {
    let token = token(group, member, flags)?;
    let signature = group.sign(token.as_bytes());
    let head = [GROUP_PREFIX, flags.0, 0, 0];
    let factor = factor(group, member).to_bytes();
    let mut data = [0; AUTH_DATA_SIZE];
    let source = head.iter().chain(&factor).chain(signature.as_bytes());
    data.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
    Ok(data)
}

/// The prefix of group accounts, which is also the only one of subaccounts that Session makes.
const GROUP_PREFIX: u8 = 0x03;

/// `k`: the blinding factor of a member in a group.
fn factor(group: &Ed25519KeyPair, member: &Address) -> Scalar {
    let mask = Zeroizing::new(keyed_hash::<32>(MASK_KEY, &[group.seed()]));
    let public = group.public();
    let wide = keyed_hash::<64>(
        mask.as_slice(),
        &[member.as_bytes(), &[GROUP_PREFIX], public.as_bytes()],
    );
    scalar_from_wide(&wide)
}

/// BLAKE2b with a key.
fn keyed_hash<const N: usize>(key: &[u8], parts: &[&[u8]]) -> [u8; N] {
    let mut state = blake2b_simd::Params::new().hash_length(N).key(key).to_state();
    parts.iter().for_each(|part| {
        state.update(part);
    });
    let digest = state.finalize();
    let mut out = [0; N];
    out.iter_mut()
        .zip(digest.as_bytes())
        .for_each(|(to, from)| *to = *from);
    out
}

/// A member's side of a subaccount: signs requests to the group's mailbox. Wiped on drop.
#[derive(Clone)]
pub struct SubaccountSigner {
    auth: SubaccountAuth,
    /// `kt`: the secret of the token's key.
    scalar: Zeroizing<Scalar>,
    /// Hashed with each message to the nonce, so that signing needs no randomness.
    nonce_seed: Zeroizing<[u8; 32]>,
}

impl SubaccountSigner {
    /// Takes the 100 bytes that an admin sent, for the member with this key pair.
    ///
    /// # Errors
    /// Refuses data that the group did not sign for this member.
    pub fn new(
        group: &Ed25519PublicKey,
        auth_data: &[u8],
        member: &Ed25519KeyPair,
    ) -> Result<Self, SubaccountError> {
        let data = <[u8; AUTH_DATA_SIZE]>::try_from(auth_data).map_err(|_| SubaccountError::Length)?;
        let (head, rest) = data.split_first_chunk::<4>().ok_or(SubaccountError::Length)?;
        let (factor, signature) = rest.split_first_chunk::<32>().ok_or(SubaccountError::Length)?;
        let [GROUP_PREFIX, flags, 0, 0] = *head else {
            return Err(SubaccountError::Kind);
        };
        let factor = Option::<Scalar>::from(Scalar::from_canonical_bytes(*factor))
            .filter(|factor| *factor != Scalar::ZERO)
            .ok_or(SubaccountError::Factor)?;
        let mut secret = member.scalar();
        if member.public().is_negative() {
            *secret = -*secret;
        }
        let scalar = Zeroizing::new(factor * *secret);
        let key = multiply_base(&scalar);
        let token = SubaccountToken::new(GROUP_PREFIX, SubaccountFlags(flags), &key);
        let signature = Signature::from_slice(signature).map_err(|_| SubaccountError::Length)?;
        group
            .verify(token.as_bytes(), &signature)
            .map_err(|_| SubaccountError::Signature)?;
        Ok(Self {
            auth: SubaccountAuth { token, signature },
            scalar,
            nonce_seed: Zeroizing::new(keyed_hash::<32>(NONCE_SEED_KEY, &[member.seed()])),
        })
    }

    /// The token and the group's signature on it.
    pub const fn auth(&self) -> SubaccountAuth {
        self.auth
    }

    /// Signs with the blinded secret; verifies as plain Ed25519 under the token's key.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let key = self.auth.token.key();
        let wide = Zeroizing::new(keyed_hash::<64>(
            NONCE_KEY,
            &[self.nonce_seed.as_slice(), key.as_bytes(), message],
        ));
        let nonce = Zeroizing::new(scalar_from_wide(&wide));
        let point = multiply_base(&nonce);
        let challenge: [u8; 64] = Sha512::new()
            .chain_update(point.as_bytes())
            .chain_update(key.as_bytes())
            .chain_update(message)
            .finalize()
            .into();
        let response = *nonce + scalar_from_wide(&challenge) * *self.scalar;
        let mut bytes = [0; 64];
        let response = response.to_bytes();
        let source = point.as_bytes().iter().chain(&response);
        bytes.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
        Signature::from_bytes(&bytes)
    }
}

impl core::fmt::Debug for SubaccountSigner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("SubaccountSigner").field(&self.auth.token).finish()
    }
}
