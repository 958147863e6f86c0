import Bytes
package import Events
package import Merkle

/// The keys that have signed for a ledger, one after the other (`FORMAT.md` §18).
///
/// The first is the one in `LEDGER`; each later one comes by a `ledger.key-changed`. A checkpoint of
/// size *s* counts if the newest key whose event is among the first *s* has signed it.
package struct KeyChain: Hashable, Sendable {
  /// One key, and the events that say when it serves.
  package struct Link: Hashable, Sendable {
    package let key: VerifierKey
    /// The event that names it; `nil` for the first key.
    package let since: EventID?
    /// From this size on its signatures don't count, as the event that ends it says.
    package var distrustedFrom: UInt64?
  }

  package private(set) var links: [Link]

  package init(first: VerifierKey) { links = [Link(key: first, since: nil)] }

  /// Adds the key that an event names; one that isn't a verifier key of the same name is passed
  /// over, since nothing can be signed by it.
  package mutating func add(_ change: LedgerKeyChanged, by event: EventID) {
    guard let key = VerifierKey(text: change.vkey.utf8), let last = links.indices.last,
      sameBytes(key.name, links[last].key.name)
    else { return }
    links[last].distrustedFrom = change.distrustedFrom.map { UInt64($0) }
    links.append(Link(key: key, since: event))
  }

  /// The chain as the first `size` events tell it.
  package func prefix(of size: UInt64) -> KeyChain {
    var chain = self
    chain.links.removeAll { link in link.since.map { $0 >= size } ?? false }
    if chain.links.count < links.count, let last = chain.links.indices.last {
      chain.links[last].distrustedFrom = nil
    }
    return chain
  }

  /// The place in the chain of the key that signs a tree of `size` events.
  package func place(at size: UInt64) -> Int {
    links.lastIndex { link in link.since.map { $0 < size } ?? true } ?? 0
  }

  /// Whether what link `place` has signed of a tree of `size` events counts.
  package func counts(_ place: Int, at size: UInt64) -> Bool {
    links[place].distrustedFrom.map { size <= $0 } ?? true
  }
}
