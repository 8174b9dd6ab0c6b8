/* keys.h - the stores of the state tree and the first byte of every key in them.
 *
 * A store's id is its place in the sorted list of names; both are consensus.  Every store
 * holds the key 00 = schema number (one byte), so none is empty. */
#ifndef VPR_TX_KEYS_H
#define VPR_TX_KEYS_H

#define VPR_STORES(X) \
    X(ACCOUNTS, "accounts") \
    X(ACTORS, "actors") \
    X(BEACON, "beacon") \
    X(CHAINS, "chains") \
    X(COMMITS, "commits") \
    X(DELEGATION, "delegation") \
    X(GOVERNANCE, "governance") \
    X(PARAMS, "params") \
    X(PRICE, "price") \
    X(REPORTCARDS, "reportcards") \
    X(SCORES, "scores") \
    X(SESSIONS, "sessions") \
    X(SETTLEMENT, "settlement") \
    X(VALIDATORS, "validators")

enum vpr_store_id {
#define X(id, name) VPR_STORE_##id,
    VPR_STORES(X)
#undef X
        VPR_STORE_COUNT
};

#define VPR_SCHEMA 1

/* Integers in keys are big-endian, so that key order is their order. */
enum vpr_key_first {
    VPR_KEY_SCHEMA = 0x00,

    VPR_KEY_ACCOUNT = 'a',      /* accounts: address -> Account */
    VPR_KEY_SUPPLY = 's',       /* accounts: -> total, genesis, minted, burned: 4 x u64 */
    VPR_KEY_HELD = 'h',         /* accounts: -> sum of all balances u64 */
    VPR_KEY_NEXT_NUMBER = 'n',  /* accounts: -> u64 */
    VPR_KEY_SEEN = 'u',         /* accounts: address, tx hash -> timeout u64 */
    VPR_KEY_SEEN_QUEUE = 'q',   /* accounts: timeout u64, address, tx hash -> 01 */
    VPR_KEY_SEEN_COUNT = 'c',   /* accounts: address -> u64 live entries */
    VPR_KEY_FORGOTTEN = 'f',    /* accounts: -> timeout u64 of the entry that left last */

    VPR_KEY_ACTOR = 'a',        /* actors: id -> Actor */
    VPR_KEY_OPERATOR = 'o',     /* actors: operator address -> id */
    VPR_KEY_TERMS = 't',        /* actors: id, session u64 -> Terms */
    VPR_KEY_UNBONDING = 'u',    /* actors: time u64, id -> 01 */
    VPR_KEY_SLASH = 's',        /* actors: id, sequence u64 -> Slash */
    VPR_KEY_CONSENSUS = 'c',    /* validators: 20-byte consensus address -> id */
    VPR_KEY_TOMBSTONE = 't',    /* validators: consensus address -> height u64, for ever */
    VPR_KEY_SIGNING = 's',      /* validators: id -> Signing */
    VPR_KEY_MISSED = 'm',       /* validators: id, part u64 -> 512 bits of missed blocks */

    VPR_KEY_BEACON = 'b',       /* beacon: -> B_h, 32 bytes */

    VPR_KEY_CHAIN = 'c',        /* chains: id u16 -> Chain */
    VPR_KEY_CHAIN_TERMS = 'd',  /* chains: id u16, session u64 -> ChainTerms */
    VPR_KEY_ZONE = 'z',         /* chains: id u16 -> Zone */
    VPR_KEY_ZONE_TERMS = 'y',   /* chains: id u16, session u64 -> ZoneTerms */

    VPR_KEY_PARAMS = 'p',       /* params: session u64 -> Params */
    VPR_KEY_CHAIN_ID = 'i',     /* params: -> the chain-id's text */

    VPR_KEY_PRICE = 'p',        /* price: session u64 -> price u64 */
    VPR_KEY_PRICE_VOTE = 'v',   /* price: validator -> price u64, of the running session */
    VPR_KEY_PRICE_MEDIAN = 'm', /* price: -> newest median u64, before its clamp */

    VPR_KEY_PROPOSAL = 'p',     /* governance: id u64 -> Proposal */
    VPR_KEY_PROPOSAL_NEXT = 'n', /* governance: -> id u64 of the next one */
    VPR_KEY_PROPOSAL_OPEN = 'o', /* governance: end time u64, id u64 -> 01 */
    VPR_KEY_VOTE = 'v',         /* governance: proposal u64, voter -> VoteRecord */
    VPR_KEY_VOTE_SUMS = 's',    /* governance: proposal u64, validator -> 4 x u64 */
    VPR_KEY_VOTE_CUT = 'x',     /* governance: closed proposal u64 with votes left -> 01 */
    VPR_KEY_VOTES_BACK = 'b',   /* governance: -> height u64, parts u64 taken back in its block */
    VPR_KEY_UPGRADE = 'u',      /* governance: -> Upgrade that is planned */
    VPR_KEY_VERSION = 'a',      /* governance: -> version u64 of the application that runs */

    VPR_KEY_SCORE = 's',        /* scores: servicer, chain, zone, session u64 -> Score */
    VPR_KEY_STANDING = 'n',     /* scores: servicer, chain, zone -> Standing */
    VPR_KEY_SCORE_SUM = 'm',    /* scores: session u64, servicer, chain, zone -> ScoreSum */

    VPR_KEY_SESSION = 's',      /* sessions: number u64 -> Session */
    VPR_KEY_CURRENT = 'c',      /* sessions: -> number u64 */
    VPR_KEY_BLOCK = 'b',        /* sessions: -> height u64, time_s u64 of the last block */
    VPR_KEY_OLDEST = 'o',       /* sessions: -> oldest unsettled session u64 */
    VPR_KEY_CUT = 'x',          /* sessions: from u64, store u8, key -> 01: versions to cut */

    VPR_KEY_POOL = 'p',         /* delegation: actor -> DelegationPool */
    VPR_KEY_DELEGATION = 'd',   /* delegation: actor, delegator -> Delegation */
    VPR_KEY_DELEGATES = 'i',    /* delegation: delegator, actor -> 01 */
    VPR_KEY_ENTRY = 'e',        /* delegation: delegator, number u64 -> Unbonding */
    VPR_KEY_ENTRY_QUEUE = 'q',  /* delegation: time u64, number u64 -> delegator */
    VPR_KEY_ENTRY_NEXT = 'n',   /* delegation: -> number u64 */

    VPR_KEY_BENCH = 'b',        /* commits: session u64, sid -> Bench */
    VPR_KEY_COMMIT = 'c',       /* commits: session u64, sid, servicer -> Commit */
    VPR_KEY_COMMITTED = 'd',    /* commits: session u64, servicer, sid -> 01 */
    VPR_KEY_SAMPLES = 'p',      /* commits: session u64, servicer -> SamplesProved */
    VPR_KEY_SID = 'i',          /* commits: sid -> session u64 */

    VPR_KEY_SEAL = 's',         /* reportcards: session u64, sid, fisherman -> Seal */
    VPR_KEY_PRESENT = 'f',      /* reportcards: session u64, fisherman -> 01, sealed sids */
    VPR_KEY_CARD = 'r',         /* reportcards: session u64, sid, fisherman -> CardRecord */
};

#endif
