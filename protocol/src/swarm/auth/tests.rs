//! What a node lets through, and with which code it refuses.

use super::*;
use crate::swarm::request::{
    Delete, DeleteAll, DeleteBefore, ExpireAll, GetExpiries, Retrieve, Revoke, RevokedSubaccounts, Store,
    Unrevoke,
};
use crate::swarm::subaccount::issue;
use crate::swarm::{MessageHash, Namespace, NamespaceSelection, message_hash};

const NOW: u64 = 1_700_000_000_000;
const MINUTE: u64 = 60_000;

fn user() -> (Ed25519KeyPair, Address) {
    let pair = Ed25519KeyPair::from_seed(&[1; 32]);
    let id = Address::account(pair.x25519().public());
    (pair, id)
}

fn group() -> (Ed25519KeyPair, Address) {
    let pair = Ed25519KeyPair::from_seed(&[2; 32]);
    let id = Address::group(pair.public());
    (pair, id)
}

fn member(flags: SubaccountFlags) -> SubaccountSigner {
    let (group, _) = group();
    let (user, id) = user();
    SubaccountSigner::new(&group.public(), &issue(&group, &id, flags).unwrap(), &user).unwrap()
}

fn hashes() -> Vec<MessageHash> {
    vec![message_hash(&user().1, Namespace::MESSAGES, b"x")]
}

fn at(now_ms: u64, request: impl Into<Request>) -> Result<Access, u16> {
    let context = Context {
        now_ms,
        forwarded: false,
        is_revoked: &|_: &SubaccountToken| false,
    };
    verify(&request.into(), &context).map_err(|error| error.code)
}

fn with_revoked(request: impl Into<Request>) -> Result<Access, u16> {
    let context = Context {
        now_ms: NOW,
        forwarded: false,
        is_revoked: &|_: &SubaccountToken| true,
    };
    verify(&request.into(), &context).map_err(|error| error.code)
}

fn store(account: Address, namespace: i16) -> Store {
    Store::new(account, Namespace(namespace), b"data".to_vec(), NOW, MINUTE)
}

#[test]
fn an_account_signs_with_the_key_behind_its_id() {
    let (pair, id) = user();
    let signer = Signer::Account(&pair);
    assert_eq!(at(NOW, store(id, 2).signed(&signer, NOW)), Ok(Access::Owner));
    let retrieve = Retrieve::new(id, Namespace::MESSAGES, None).signed(&signer, NOW);
    assert_eq!(at(NOW, retrieve.clone()), Ok(Access::Owner));

    let without_key = Auth {
        ed25519: None,
        ..retrieve.auth.unwrap()
    };
    assert_eq!(
        at(
            NOW,
            Retrieve {
                auth: Some(without_key),
                ..retrieve.clone()
            }
        ),
        Err(401)
    );
    let stranger = Ed25519KeyPair::from_seed(&[9; 32]);
    let forged = Retrieve::new(id, Namespace::MESSAGES, None).signed(&Signer::Account(&stranger), NOW);
    assert_eq!(at(NOW, forged), Err(401));
}

#[test]
fn a_group_signs_with_its_own_key() {
    let (pair, id) = group();
    assert_eq!(
        at(NOW, store(id, 11).signed(&Signer::Group(&pair), NOW)),
        Ok(Access::Owner)
    );
    let stranger = Ed25519KeyPair::from_seed(&[9; 32]);
    assert_eq!(
        at(NOW, store(id, 11).signed(&Signer::Group(&stranger), NOW)),
        Err(401)
    );
}

#[test]
fn public_namespaces_ask_for_nothing_and_ignore_wrong_signatures() {
    let (pair, id) = user();
    let (stranger, other) = group();
    assert_eq!(at(NOW, store(id, 0)), Ok(Access::Anyone));
    assert_eq!(at(NOW, store(id, -10)), Ok(Access::Anyone));
    assert_eq!(
        at(NOW, store(id, 0).signed(&Signer::Group(&stranger), NOW)),
        Ok(Access::Anyone)
    );
    assert_eq!(
        at(
            NOW,
            Retrieve::new(other, Namespace(-1), None).signed(&Signer::Group(&pair), NOW)
        ),
        Ok(Access::Anyone)
    );
    assert_eq!(
        at(NOW, Retrieve::new(id, Namespace(-3741), None)),
        Ok(Access::Anyone)
    );
    assert_eq!(at(NOW, store(id, 2)), Err(401));
    assert_eq!(at(NOW, store(id, -1)), Err(401));
    assert_eq!(
        at(NOW, store(id, -3741).signed(&Signer::Account(&pair), NOW)),
        Err(403)
    );
    assert_eq!(
        at(
            NOW,
            Retrieve {
                namespace: None,
                ..Retrieve::new(id, Namespace(0), None)
            }
        ),
        Err(401)
    );
}

#[test]
fn signatures_live_a_minute_and_ten_seconds_more_when_forwarded() {
    let (pair, id) = user();
    let retrieve = Retrieve::new(id, Namespace::MESSAGES, None).signed(&Signer::Account(&pair), NOW);
    assert!(at(NOW + MINUTE, retrieve.clone()).is_ok());
    assert!(at(NOW - MINUTE, retrieve.clone()).is_ok());
    assert_eq!(at(NOW + MINUTE + 1, retrieve.clone()), Err(406));
    assert_eq!(at(NOW - MINUTE - 1, retrieve.clone()), Err(406));
    assert_eq!(
        at(
            NOW,
            Retrieve {
                timestamp: None,
                ..retrieve
            }
        ),
        Err(406)
    );

    let delete = DeleteAll::signed(id, NamespaceSelection::All, &Signer::Account(&pair), NOW);
    let forwarded = |now_ms| {
        let context = Context {
            now_ms,
            forwarded: true,
            is_revoked: &|_: &SubaccountToken| false,
        };
        verify(&delete.clone().into(), &context).map_err(|error| error.code)
    };
    assert!(forwarded(NOW + 70_000).is_ok());
    assert_eq!(forwarded(NOW + 70_001), Err(406));
}

#[test]
fn a_signature_covers_every_field_that_matters() {
    let (pair, id) = user();
    let signer = Signer::Account(&pair);
    let all = NamespaceSelection::All;
    let one = NamespaceSelection::One(Namespace(2));

    let signed = store(id, 2).signed(&signer, NOW);
    assert_eq!(
        at(
            NOW,
            Store {
                namespace: Namespace(3),
                ..signed.clone()
            }
        ),
        Err(401)
    );
    assert_eq!(
        at(
            NOW,
            Store {
                sig_timestamp: Some(NOW + 1),
                ..signed
            }
        ),
        Err(401)
    );
    let signed = DeleteAll::signed(id, all, &signer, NOW);
    assert_eq!(
        at(
            NOW,
            DeleteAll {
                namespace: one,
                ..signed
            }
        ),
        Err(401)
    );
    let signed = DeleteBefore::signed(id, one, NOW, &signer);
    assert_eq!(
        at(
            NOW,
            DeleteBefore {
                before: NOW + 1,
                ..signed
            }
        ),
        Err(401)
    );
    let signed = ExpireAll::signed(id, one, NOW, &signer);
    assert_eq!(
        at(
            NOW,
            ExpireAll {
                expiry: NOW + 1,
                ..signed
            }
        ),
        Err(401)
    );
    let signed = Expire::signed(id, hashes(), vec![NOW], ExpireMode::Extend, &signer);
    assert_eq!(
        at(
            NOW,
            Expire {
                mode: ExpireMode::Set,
                ..signed
            }
        ),
        Err(401)
    );
    let signed = Delete::signed(id, hashes(), false, &signer);
    assert_eq!(
        at(
            NOW,
            Delete {
                messages: [hashes(), hashes()].concat(),
                ..signed
            }
        ),
        Err(401)
    );
    let signed = GetExpiries::signed(id, hashes(), &signer, NOW);
    assert_eq!(
        at(
            NOW,
            GetExpiries {
                timestamp: NOW + 1,
                ..signed
            }
        ),
        Err(401)
    );
}

#[test]
fn times_in_the_wrong_direction_are_refused_with_the_methods_code() {
    let (pair, id) = user();
    let signer = Signer::Account(&pair);
    let one = NamespaceSelection::default();
    assert!(at(NOW, DeleteBefore::signed(id, one, NOW + MINUTE, &signer)).is_ok());
    assert_eq!(
        at(NOW, DeleteBefore::signed(id, one, NOW + MINUTE + 1, &signer)),
        Err(401)
    );
    assert!(at(NOW, ExpireAll::signed(id, one, NOW - MINUTE, &signer)).is_ok());
    assert_eq!(
        at(NOW, ExpireAll::signed(id, one, NOW - MINUTE - 1, &signer)),
        Err(406)
    );
    let expire = |expiry| {
        Expire::signed(
            id,
            [hashes(), hashes()].concat(),
            expiry,
            ExpireMode::Set,
            &signer,
        )
    };
    assert!(at(NOW, expire(vec![NOW - MINUTE, NOW])).is_ok());
    assert_eq!(at(NOW, expire(vec![NOW, NOW - MINUTE - 1])), Err(401));
}

#[test]
fn subaccounts_do_what_their_flags_say() {
    let (_, id) = group();
    let (read, write, full) = (
        member(SubaccountFlags::READ),
        member(SubaccountFlags::MEMBER),
        member(SubaccountFlags::MEMBER.with(SubaccountFlags::DELETE)),
    );
    let one = NamespaceSelection::from(Namespace(11));
    let retrieve = |member| {
        at(
            NOW,
            Retrieve::new(id, Namespace(11), None).signed(&Signer::Subaccount(member), NOW),
        )
    };
    let stored = |member, namespace| at(NOW, store(id, namespace).signed(&Signer::Subaccount(member), NOW));
    let delete = |member| at(NOW, DeleteAll::signed(id, one, &Signer::Subaccount(member), NOW));
    let expire = |member, mode| {
        at(
            NOW,
            Expire::signed(id, hashes(), vec![NOW], mode, &Signer::Subaccount(member)),
        )
    };

    assert_eq!(retrieve(&read), Ok(Access::Subaccount(SubaccountFlags::READ)));
    assert_eq!(stored(&read, 11), Err(401));
    assert!(stored(&write, 11).is_ok());
    assert_eq!(stored(&write, -1), Err(401));
    assert!(stored(&full, -1).is_ok());
    assert_eq!(delete(&write), Err(401));
    assert!(delete(&full).is_ok_and(Access::may_delete));
    assert_eq!(expire(&read, ExpireMode::Extend), Err(401));
    assert!(expire(&write, ExpireMode::Set).is_ok_and(|access| !access.may_delete()));
    assert_eq!(expire(&write, ExpireMode::Shorten), Err(400));
    assert!(expire(&full, ExpireMode::Shorten).is_ok());
}

#[test]
fn revoked_subaccounts_keep_the_unrevocable_namespaces_only() {
    let (_, id) = group();
    let member = member(SubaccountFlags::MEMBER);
    let retrieve =
        |namespace| Retrieve::new(id, Namespace(namespace), None).signed(&Signer::Subaccount(&member), NOW);
    assert_eq!(with_revoked(retrieve(11)), Err(401));
    assert!(with_revoked(retrieve(-11)).is_ok());
}

#[test]
fn a_token_of_another_group_or_prefix_opens_nothing() {
    let other = Ed25519KeyPair::from_seed(&[3; 32]);
    let member = member(SubaccountFlags::MEMBER);
    let request = Retrieve::new(Address::group(other.public()), Namespace(11), None);
    assert_eq!(
        at(NOW, request.signed(&Signer::Subaccount(&member), NOW)),
        Err(401)
    );

    // The same key under another prefix: the token is for 03 accounts unless it says otherwise.
    let (pair, _) = group();
    let account = Address::new(crate::account::IdKind::Unblinded, pair.public().as_bytes());
    let request = Retrieve::new(account, Namespace(11), None);
    assert_eq!(
        at(NOW, request.clone().signed(&Signer::Subaccount(&member), NOW)),
        Err(401)
    );
    let any = issue(
        &pair,
        &user().1,
        SubaccountFlags::MEMBER.with(SubaccountFlags::ANY_PREFIX),
    )
    .unwrap();
    let any = SubaccountSigner::new(&pair.public(), &any, &user().0).unwrap();
    assert!(at(NOW, request.signed(&Signer::Subaccount(&any), NOW)).is_ok());
}

#[test]
fn only_the_owner_revokes() {
    let (pair, id) = group();
    let token = member(SubaccountFlags::MEMBER).auth().token;
    let owner = Signer::Group(&pair);
    assert!(at(NOW, Revoke::signed(id, vec![token], &owner, NOW)).is_ok());
    assert!(at(NOW, Unrevoke::signed(id, vec![token], &owner, NOW)).is_ok());
    assert!(at(NOW, RevokedSubaccounts::signed(id, &owner, NOW)).is_ok());
    assert_eq!(
        at(NOW + MINUTE + 1, Revoke::signed(id, vec![token], &owner, NOW)),
        Err(406)
    );
    let member = member(SubaccountFlags(0xff));
    assert_eq!(
        at(
            NOW,
            Revoke::signed(id, vec![token], &Signer::Subaccount(&member), NOW)
        ),
        Err(401)
    );
}

#[test]
fn auth_data_that_was_changed_is_refused() {
    let (group, _) = group();
    let (user, id) = user();
    let data = issue(&group, &id, SubaccountFlags::MEMBER).unwrap();
    for at in 0..data.len() {
        let mut changed = data;
        changed[at] ^= 1;
        assert!(
            SubaccountSigner::new(&group.public(), &changed, &user).is_err(),
            "byte {at}"
        );
    }
    assert!(SubaccountSigner::new(&group.public(), &data[..99], &user).is_err());
}
