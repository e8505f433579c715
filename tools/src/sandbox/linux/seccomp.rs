//! seccomp: which system calls the calling thread and its children may make.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::syscalls::{BUILDING, DENIED, MISSING, NAMESPACES, NETWORK, TYPING};
use crate::sandbox::{NetworkAccess, SandboxError};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The kind of a socket without its flags.
const SOCKET_KIND_MASK: u64 = 0xf;

/// The programs for one answer about the network.
#[derive(Debug)]
struct Programs {
    /// What builds no sandbox has no need of these calls either.
    always: Vec<BpfProgram>,
    /// Making mounts and name spaces.
    building: BpfProgram,
}

impl Programs {
    /// Compiled once.
    fn get(network: NetworkAccess) -> Result<&'static Self, SandboxError> {
        static DENIED: OnceLock<Result<Programs, String>> = OnceLock::new();
        static ALLOWED: OnceLock<Result<Programs, String>> = OnceLock::new();
        let cell = match network {
            NetworkAccess::Denied => &DENIED,
            NetworkAccess::Allowed => &ALLOWED,
        };
        let compiled = cell.get_or_init(|| Self::compile(network).map_err(|error| error.to_string()));
        compiled.as_ref().map_err(SandboxError::at("compiling the seccomp filter"))
    }

    fn compile(network: NetworkAccess) -> Result<Self, BackendError> {
        let missing = filter(whatever_the_arguments(MISSING), libc::ENOSYS)?;
        let denied = filter(denied(network)?, libc::EPERM)?;
        let always = [missing, denied].into_iter().chain(foreign::filters()).collect();
        Ok(Self { always, building: filter(building()?, libc::EPERM)? })
    }
}

/// Restricts the calling thread for good, and takes from it the right to gain rights by executing a program.
pub(super) fn restrict(network: NetworkAccess) -> Result<(), SandboxError> {
    restrict_but_for_mounts(network)?;
    apply(&Programs::get(network)?.building)
}

/// The same for a thread whose child has mounts to make, and then puts [`building_filter`] on itself.
pub(super) fn restrict_but_for_mounts(network: NetworkAccess) -> Result<(), SandboxError> {
    Programs::get(network)?.always.iter().try_for_each(apply)
}

/// The filter against making mounts and name spaces, as the kernel reads it from memory.
pub(in crate::sandbox) fn building_filter() -> Result<Vec<u8>, SandboxError> {
    let program = &Programs::get(NetworkAccess::Denied)?.building;
    let bytes = program.iter().flat_map(|step| {
        let [code_low, code_high] = step.code.to_ne_bytes();
        let [a, b, c, d] = step.k.to_ne_bytes();
        [code_low, code_high, step.jt, step.jf, a, b, c, d]
    });
    Ok(bytes.collect())
}

fn apply(program: &BpfProgram) -> Result<(), SandboxError> {
    seccompiler::apply_filter(program).map_err(SandboxError::at("seccomp"))
}

fn whatever_the_arguments(calls: &[i64]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn filter(rules: Rules, errno: i32) -> Result<BpfProgram, BackendError> {
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()), arch)?
        .try_into()
}

fn denied(network: NetworkAccess) -> Result<Rules, BackendError> {
    let mut rules = whatever_the_arguments(DENIED);
    match network {
        NetworkAccess::Denied => rules.extend(whatever_the_arguments(NETWORK)),
        NetworkAccess::Allowed => {
            rules.insert(libc::SYS_socket, internet_only()?);
        }
    }
    rules.insert(libc::SYS_socketpair, connected_pairs_only()?);
    let typing = |command: &u64| SeccompRule::new(vec![argument(1, SeccompCmpOp::Eq, *command)?]);
    rules.insert(libc::SYS_ioctl, TYPING.iter().map(typing).collect::<Result<_, _>>()?);
    rules.extend(limits()?);
    Ok(rules)
}

fn building() -> Result<Rules, BackendError> {
    let mut rules = whatever_the_arguments(BUILDING);
    let namespace = |flag: &i32| {
        let flag = u64::from(flag.unsigned_abs());
        SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    };
    rules.insert(libc::SYS_clone, NAMESPACES.iter().map(namespace).collect::<Result<_, _>>()?);
    Ok(rules)
}

/// Internet sockets and the kernel's own routing table, which resolvers ask for. Anything else is denied.
fn internet_only() -> Result<Vec<SeccompRule>, BackendError> {
    let is_not = |family: i32| argument(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs()));
    let netlink = u64::from(libc::AF_NETLINK.unsigned_abs());
    let route = u64::from(libc::NETLINK_ROUTE.unsigned_abs());
    Ok(vec![
        SeccompRule::new(vec![is_not(libc::AF_INET)?, is_not(libc::AF_INET6)?, is_not(libc::AF_NETLINK)?])?,
        SeccompRule::new(vec![
            argument(0, SeccompCmpOp::Eq, netlink)?,
            argument(2, SeccompCmpOp::Ne, route)?,
        ])?,
    ])
}

/// Programs talk to their children through pairs. One of datagrams could be connected anew, to a daemon's socket.
fn connected_pairs_only() -> Result<Vec<SeccompRule>, BackendError> {
    let unix = u64::from(libc::AF_UNIX.unsigned_abs());
    let datagrams = u64::from(libc::SOCK_DGRAM.unsigned_abs());
    Ok(vec![
        SeccompRule::new(vec![argument(0, SeccompCmpOp::Ne, unix)?])?,
        SeccompRule::new(vec![argument(1, SeccompCmpOp::MaskedEq(SOCKET_KIND_MASK), datagrams)?])?,
    ])
}

/// A command sets its own limits only, and not the one by which its processes are known.
fn limits() -> Result<Rules, BackendError> {
    let brand = u64::from(libc::RLIMIT_RTTIME);
    let sets_new = || SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0);
    let of_others = vec![argument(0, SeccompCmpOp::Ne, 0)?, sets_new()?];
    let of_brand = vec![argument(1, SeccompCmpOp::Eq, brand)?, sets_new()?];
    let directly = vec![argument(0, SeccompCmpOp::Eq, brand)?];
    Ok(BTreeMap::from([
        (libc::SYS_prlimit64, vec![SeccompRule::new(of_others)?, SeccompRule::new(of_brand)?]),
        (libc::SYS_setrlimit, vec![SeccompRule::new(directly)?]),
    ]))
}

/// The kernel takes these arguments as 32 bits; comparing more would let high bits through.
fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

/// On `x86_64` the same calls exist a second time under other numbers, which a list of numbers would let through.
#[cfg(target_arch = "x86_64")]
mod foreign {
    use seccompiler::{BpfProgram, sock_filter};

    /// Numbers from here on are calls of the x32 interface.
    const X32_CALLS: u32 = 0x4000_0000;
    const LOAD_CALL_NUMBER: u16 = 0x20;
    const JUMP_IF_GREATER_OR_EQUAL: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const FAIL_WITH: u32 = 0x0005_0000;

    pub(super) fn filters() -> [BpfProgram; 1] {
        let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
        [vec![
            step(LOAD_CALL_NUMBER, 0, 0, 0),
            step(JUMP_IF_GREATER_OR_EQUAL, 0, 1, X32_CALLS),
            step(RETURN, 0, 0, FAIL_WITH | libc::ENOSYS.unsigned_abs()),
            step(RETURN, 0, 0, ALLOW),
        ]]
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod foreign {
    pub(super) fn filters() -> [seccompiler::BpfProgram; 0] {
        []
    }
}
