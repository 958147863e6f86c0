package import Bytes
import EventLog
package import Events
package import Merkle

/// What an auditor brings: nothing of it is taken from the ledger.
package struct Trust {
  /// A key that the auditor knows to be, or to have been, the ledger's.
  package var key: VerifierKey?
  /// Checkpoints that the auditor kept.
  package var pinned: [SignedNote] = []
  /// Who besides the ledger must have signed its newest checkpoint.
  package var policy: TrustPolicy?
  /// Certificates in PEM that may vouch for time stamps.
  package var authorities: [UInt8]?

  package init() {}
}

/// Something that signatures say and the log doesn't (`FORMAT.md` §18).
package struct EvidenceFinding: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    /// The trusted key isn't one that the ledger names.
    case otherKey = "other-key"
    /// No checkpoint of these events counts, or none of the trusted key leads to one.
    case unsigned
    /// A checkpoint that counts has more events than the log.
    case rollback
    /// A checkpoint that counts has another root at its size: these events were altered.
    case fork
    /// The newest checkpoint that counts hasn't the signatures that the policy asks for.
    case policy
    /// A pinned checkpoint isn't the ledger's, or its signature doesn't hold.
    case pinned
    /// A pinned checkpoint can't be judged: it is of events that are archived.
    case archived
  }

  package let kind: Kind
  /// The events concerned, as far as checkpoints tell; empty where none are.
  package let ids: Range<UInt64>
  /// The checkpoint that says so.
  package let note: SignedNote?
}

/// A time that an authority has put on the ledger.
package struct TimeStamp: Hashable, Sendable {
  package enum Standing: String, Hashable, Sendable {
    /// One of the given authorities vouches for it.
    case trusted
    /// Its signature holds, and nobody was named who could vouch for it.
    case unvouched
    /// It isn't a time stamp of this ledger's events.
    case void
  }

  /// The event that holds it.
  package let event: EventID
  /// So many events existed at `time`.
  package let size: UInt64
  package let time: Instant
  package let authority: String
  package let standing: Standing
}

/// What signatures and time stamps prove of a log, beside its own consistency.
package struct Evidence: Sendable {
  /// Whether a key that the auditor brought vouches for the events up to ``signedSize``.
  package private(set) var isAuthenticated = false
  /// How many events the newest checkpoint covers that counts; 0 where none does.
  package private(set) var signedSize: UInt64 = 0
  /// The key that signed it, and all keys of the ledger.
  package private(set) var signer: VerifierKey?
  package let chain: KeyChain
  package private(set) var findings: [EvidenceFinding] = []
  package private(set) var stamps: [TimeStamp] = []

  private let origin: String
  private let roots: [UInt64: Digest]
  private let size: UInt64
  /// How many events are archived.
  private let archived: UInt64
}

/// One of the ledger's own checkpoints, without its signatures.
struct OwnCheckpoint {
  let head: TreeHead
  /// Where the note stands in `checkpoints.log`.
  let place: Range<UInt64>
}

extension Evidence {
  /// Judges the ledger's checkpoints and an auditor's against the roots that a verifier found.
  ///
  /// Signatures are checked from the newest checkpoint back until one counts, and around the first
  /// that disagrees: all that lies below a checkpoint is under its root.
  init(
    _ files: CheckpointFiles, _ own: [OwnCheckpoint], _ collector: EvidenceCollector,
    origin: String, size: UInt64, archived: UInt64, _ trust: Trust
  ) throws(StorageError) {
    chain = collector.chain.prefix(of: size)
    roots = collector.roots
    self.origin = origin
    self.size = size
    self.archived = archived
    let own = own.sorted { $0.head.size < $1.head.size }
    try judge(own, files, trust)
    for note in trust.pinned { judge(pinned: note, own, trust) }
    stamps = collector.stamps.filter { $0.event < size }.map {
      stamp($0.event, $0.stamped, trust.authorities)
    }
  }

  private mutating func judge(
    _ own: [OwnCheckpoint], _ files: CheckpointFiles, _ trust: Trust
  ) throws(StorageError) {
    var start = 0
    if let key = trust.key {
      guard let place = chain.links.firstIndex(where: { $0.key == key }) else {
        add(.otherKey, 0..<size, nil)
        return
      }
      start = place
    }
    if let found = try newestCounting(own, files, from: start) {
      signedSize = found.size
      signer = chain.links[found.place].key
      isAuthenticated = trust.key != nil
    } else if trust.key != nil {
      add(.unsigned, 0..<size, nil)
    }
    if let policy = trust.policy { try judge(policy, own, files) }
    try findDisagreement(own, files)
  }

  /// Looks for a note of the newest checkpoint that counts which meets the policy: cosignatures come
  /// later, with a note of their own.
  private mutating func judge(
    _ policy: TrustPolicy, _ own: [OwnCheckpoint], _ files: CheckpointFiles
  ) throws(StorageError) {
    let logs = policy.logs.isEmpty ? chain.links.map { NoteKey.ed25519($0.key) } : []
    for checkpoint in own where checkpoint.head.size == signedSize && agrees(checkpoint.head) {
      let note = try files.note(at: checkpoint.place)
      if let note, (try? policy.verified(note, logs: logs)) != nil { return }
    }
    add(.policy, 0..<signedSize, nil)
  }

  /// The newest checkpoint that counts and agrees, of a key that the one at `start` leads to.
  private func newestCounting(
    _ own: [OwnCheckpoint], _ files: CheckpointFiles, from start: Int
  ) throws(StorageError) -> (size: UInt64, place: Int)? {
    var newest: (size: UInt64, place: Int)?
    var place = start
    while true {
      for checkpoint in own.reversed()
      where agrees(checkpoint.head) && chain.place(at: checkpoint.head.size) == place {
        if try signers(of: checkpoint, files).contains(place) {
          newest = (checkpoint.head.size, place)
          break
        }
      }
      // The next key is trusted where one checkpoint is signed by this one and by it.
      guard place + 1 < chain.links.count, let since = chain.links[place + 1].since else {
        return newest
      }
      var isLed = false
      for checkpoint in own where checkpoint.head.size > since && agrees(checkpoint.head) {
        let signers = try signers(of: checkpoint, files)
        isLed = signers.contains(place) && signers.contains(place + 1)
        // Only the first ones after the change carry both.
        if isLed || !signers.contains(place) { break }
      }
      guard isLed else { return newest }
      place += 1
    }
  }

  /// Reports the first checkpoint that counts and that the log contradicts.
  private mutating func findDisagreement(
    _ own: [OwnCheckpoint], _ files: CheckpointFiles
  ) throws(StorageError) {
    for (index, checkpoint) in own.enumerated() where !agrees(checkpoint.head) {
      guard try !signers(of: checkpoint, files).isEmpty else { continue }
      let note = try files.note(at: checkpoint.place)
      if checkpoint.head.size > size {
        add(.rollback, size..<checkpoint.head.size, note)
        return
      }
      var agreed: UInt64 = 0
      for earlier in own[..<index].reversed() where agrees(earlier.head) {
        if try signers(of: earlier, files).isEmpty { continue }
        agreed = earlier.head.size
        break
      }
      add(.fork, agreed..<checkpoint.head.size, note)
      return
    }
  }

  private mutating func judge(pinned note: SignedNote, _ own: [OwnCheckpoint], _ trust: Trust) {
    guard let checkpoint = try? Checkpoint(text: note.text), sameBytes(checkpoint.origin, origin),
      !places(signing: note, at: checkpoint.head.size, also: trust.key).isEmpty
    else {
      add(.pinned, 0..<0, note)
      return
    }
    let head = checkpoint.head
    if head.size > size {
      add(.rollback, size..<head.size, note)
    } else if head.size < archived, roots[head.size] == nil {
      add(.archived, 0..<head.size, note)
    } else if !agrees(head) {
      let agreed = own.last { $0.head.size < head.size && agrees($0.head) }?.head.size
      add(.fork, (agreed ?? 0)..<head.size, note)
    }
  }

  private mutating func add(
    _ kind: EvidenceFinding.Kind, _ ids: Range<UInt64>, _ note: SignedNote?
  ) {
    findings.append(EvidenceFinding(kind: kind, ids: ids, note: note))
  }

  private func agrees(_ head: TreeHead) -> Bool {
    head.size <= size && roots[head.size] == head.root
  }

  private func signers(
    of checkpoint: OwnCheckpoint, _ files: CheckpointFiles
  ) throws(StorageError) -> Set<Int> {
    guard let note = try files.note(at: checkpoint.place) else { return [] }
    return places(signing: note, at: checkpoint.head.size, also: nil)
  }

  /// Which keys of the chain have signed a note, as far as that counts; -1 stands for `other`.
  private func places(
    signing note: SignedNote, at size: UInt64, also other: VerifierKey?
  ) -> Set<Int> {
    var known = chain.links.map(\.key)
    if let other, !known.contains(other) { known.append(other) }
    guard let found = try? note.verified(by: known.map(NoteKey.ed25519)) else { return [] }
    let keys = known.filter { key in found.contains { $0.key == .ed25519(key) } }
    var places: Set<Int> = []
    for (place, link) in chain.links.enumerated()
    where keys.contains(link.key) && chain.counts(place, at: size) {
      places.insert(place)
    }
    if let other, keys.contains(other) { places.insert(-1) }
    return places
  }

  private func stamp(
    _ event: EventID, _ stamped: LedgerTimeStamped, _ authorities: [UInt8]?
  ) -> TimeStamp {
    let size = UInt64(stamped.size)
    var standing = TimeStamp.Standing.void
    if let root = Base64.decode(stamped.root.text.utf8).flatMap({ Digest(bytes: $0) }),
      agrees(TreeHead(size: size, root: root)), let der = Base64.decode(stamped.token.text.utf8),
      let token = try? TimeStampToken(der: der), token.time == stamped.stampedAt
    {
      let checkpoint = Checkpoint(origin: origin, head: TreeHead(size: size, root: root))
      let digest = SHA256.hash(checkpoint?.text ?? [])
      if (try? token.verify(digest)) != nil { standing = .unvouched }
      if let authorities, (try? token.verify(digest, authorities: authorities)) != nil {
        standing = .trusted
      }
    }
    return TimeStamp(
      event: event, size: size, time: stamped.stampedAt, authority: stamped.authority,
      standing: standing)
  }
}
