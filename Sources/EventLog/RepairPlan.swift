package import Bytes
import Merkle

/// What an operator lets a repair do (`FORMAT.md` §6.5).
package struct RepairChoices: Hashable, Sendable {
  /// Whether a tail that tearing doesn't explain may be set aside and cut.
  package var acceptsTail: Bool
  /// Whether `head` may be made anew from the log, and a torn tail be cut without it.
  package var rebuildsHead: Bool

  package init(acceptsTail: Bool = false, rebuildsHead: Bool = false) {
    self.acceptsTail = acceptsTail
    self.rebuildsHead = rebuildsHead
  }
}

/// One thing that a repair does.
package enum RepairStep: Hashable, Sendable {
  /// Bytes of a segment come from the copy, and it has `length` bytes then.
  ///
  /// - Parameters:
  ///   - range: From the first of them to the last.
  ///   - digest: Of what stands in this range then.
  case fromCopy(segment: UInt64, range: Range<UInt64>, digest: Digest, length: UInt64)
  /// The bytes from a place to the end of the last segment are set aside and cut.
  case cutTail(segment: UInt64, range: Range<UInt64>, digest: Digest)
  /// Both slots of `head` are made anew.
  case rebuildHead
}

/// What a repair would do, and what verifying would find then; making one changes nothing.
package struct RepairPlan {
  package let before: LogReport
  package let after: LogReport
  /// In the order in which they are done; empty where the choices and the copy help with nothing.
  package let steps: [RepairStep]
  /// Segments for which the copy's bytes don't reproduce what the ledger recorded.
  package let refused: [UInt64]
  /// Whether a writer could go on with the log then.
  package let isWritable: Bool

  /// The new segments, and what they are made of.
  let patches: [SegmentPatch]
  let copy: (any Storage)?
  /// Both slots, where they are made anew.
  let head: [HeadSlot]?

  /// Verifies the ledger and finds out what can be repaired.
  ///
  /// - Parameters:
  ///   - copy: Another copy of the same ledger, a backup for example, or none.
  ///   - judge: What says whether events are well formed.
  /// - Throws: `.storage` only.
  package init(
    for storage: any Storage, identity: LedgerIdentity, choices: RepairChoices,
    copy: (any Storage)? = nil, judge: any EventJudge
  ) throws(LogError) {
    var draft = try RepairDraft(
      storage: storage, identity: identity, copy: copy, judge: judge)
    if copy != nil { try draft.takeFromCopy() }
    let cut = try draft.cutTail(choices)
    let head = try choices.rebuildsHead ? draft.rebuildHead() : nil
    before = draft.before
    after = draft.after
    refused = draft.refused
    patches = draft.patches.filter { $0.segment != cut?.segment || !$0.copied.isEmpty }
    self.copy = copy
    self.head = head
    var steps: [RepairStep] = []
    for patch in patches { steps.append(try draft.step(of: patch)) }
    if let cut {
      steps.append(.cutTail(segment: cut.segment, range: cut.range, digest: cut.digest))
    }
    if head != nil { steps.append(.rebuildHead) }
    self.steps = steps
    isWritable = try draft.isWritable()
  }
}

/// What a segment is to be made of: its own bytes, and those of a copy that stand at the same
/// places.
struct SegmentPatch: Equatable {
  let segment: UInt64
  /// Bytes of the ledger's own segment; `nil` where it has none of that name.
  let ownLength: UInt64?
  /// What comes from the copy, in order.
  var copied: [Range<UInt64>] = []
  var length: UInt64
  /// Where the last range begins, if it goes to the copy's end and not to where reading went on.
  var openFrom: UInt64?

  /// Whether it puts other bytes where a damage is.
  func mends(_ damage: Damage) -> Bool {
    segment == damage.segment && copied.contains { $0.contains(damage.offset) }
  }

  /// The same without what goes to the copy's end; `nil` where nothing else is left.
  var withoutEnd: SegmentPatch? {
    guard openFrom != nil, let ownLength, copied.count > 1 else { return nil }
    var patch = self
    patch.copied.removeLast()
    patch.length = ownLength
    patch.openFrom = nil
    return patch
  }
}

/// A plan while it is made.
private struct RepairDraft {
  let storage: any Storage
  let identity: LedgerIdentity
  let copy: (any Storage)?
  let judge: any EventJudge
  let before: LogReport
  private(set) var after: LogReport
  private(set) var patches: [SegmentPatch] = []
  private(set) var refused: [UInt64] = []
  private var head: [HeadSlot]?

  init(
    storage: any Storage, identity: LedgerIdentity, copy: (any Storage)?, judge: any EventJudge
  ) throws(LogError) {
    self.storage = storage
    self.identity = identity
    self.copy = copy
    self.judge = judge
    var verifier = LogVerifier(storage, identity: identity, judge: judge)
    before = try verifier.verify()
    after = before
  }

  /// The ledger as it would be with what was planned so far.
  private func overlay() throws(LogError) -> OverlayStorage {
    var files: [String: any StorageFile] = [:]
    for patch in patches {
      files[LogPath.segment(patch.segment)] = try reporting { () throws(StorageError) in
        try patch.file(in: storage, copy: copy)
      }
    }
    if let head {
      files[LogPath.head] = MemoryFile(Head.encoded(head, in: identity.id))
    }
    return OverlayStorage(storage, replacing: files)
  }

  private mutating func verify() throws(LogError) {
    var verifier = LogVerifier(try overlay(), identity: identity, judge: judge)
    after = try verifier.verify()
  }

  /// Whether a writer would open the log as it would be.
  func isWritable() throws(LogError) -> Bool {
    let overlay = try overlay()
    let slots = try reporting { () throws(StorageError) in
      try Head.slots(in: overlay, of: identity.id)
    }
    let survey: LogSurvey
    do {
      survey = try LogSurvey(storage: overlay, identity: identity, slots: slots, knownDurable: 0)
    } catch {
      guard case .needsRepair = error else { throw error }
      return false
    }
    switch survey.end.state {
    case .clean, .torn: return true
    case .headLost: return survey.endsWithFill
    case .corrupt, .lostTail, .suspect: return false
    }
  }

  func step(of patch: SegmentPatch) throws(LogError) -> RepairStep {
    let start = patch.copied.first?.lowerBound ?? patch.length
    // Where the copy's segment ends earlier, nothing is put in place of what is left out.
    let end = patch.copied.last?.upperBound ?? patch.length
    let digest = try reporting { () throws(StorageError) in
      try forEachPiece(of: patch.file(in: storage, copy: copy), start..<end) { (_, _) in }
    }
    return .fromCopy(
      segment: patch.segment, range: start..<end, digest: digest, length: patch.length)
  }

  // MARK: - From a copy

  /// Plans what the copy can give, and drops again what doesn't lead to a log that verifies.
  mutating func takeFromCopy() throws(LogError) {
    patches = try possiblePatches()
    while !patches.isEmpty {
      try verify()
      guard let culprit = culprit() else { return }
      if !refused.contains(culprit) { refused.append(culprit) }
      patches = patches.compactMap { $0.segment == culprit ? $0.withoutEnd : $0 }
    }
    after = before
    refused.sort()
  }

  /// A segment whose patch makes something worse, or doesn't mend what it was made for.
  private func culprit() -> UInt64? {
    let known = Set(before.damage)
    for damage in after.damage where damage.breaksLog && damage.kind != .missing {
      if damage.kind != .head, patches.contains(where: { $0.mends(damage) }) {
        return damage.segment
      }
      if !known.contains(damage) {
        return patches.last { $0.segment <= damage.segment }?.segment ?? patches.last?.segment
      }
    }
    // What continues the log is vouched for by nothing where it doesn't reach the mark.
    guard after.count < after.mark else { return nil }
    return patches.last { $0.openFrom != nil }?.segment
  }

  private func possiblePatches() throws(LogError) -> [SegmentPatch] {
    guard let copy else { return [] }
    let (own, copied) = try reporting { () throws(StorageError) in
      (try lengths(in: storage), try lengths(in: copy))
    }
    let reachable = try usableLengths(copied, in: copy)
    var patches: [UInt64: SegmentPatch] = [:]
    func take(_ range: Range<UInt64>, of segment: UInt64, isOpen: Bool) {
      var patch =
        patches[segment]
        ?? SegmentPatch(segment: segment, ownLength: own[segment], length: own[segment] ?? 0)
      guard patch.openFrom == nil else { return }
      patch.copied.append(range)
      if isOpen {
        patch.openFrom = range.lowerBound
        patch.length = range.upperBound
      }
      patches[segment] = patch
    }
    for damage in before.damage {
      switch damage.kind {
      case .event, .surplus, .head, .snapshot: continue
      case .missing: break
      case .header, .commit, .root, .seal:
        guard let length = reachable[damage.segment] else { break }
        if let end = damage.resumedAt {
          if end <= length { take(damage.offset..<end, of: damage.segment, isOpen: false) }
        } else if damage.offset <= length {
          take(damage.offset..<length, of: damage.segment, isOpen: true)
        }
      }
      // A segment that isn't there is part of the damage before it.
      for (segment, length) in reachable
      where own[segment] == nil && patches[segment] == nil && damage.ids.contains(segment) {
        take(0..<length, of: segment, isOpen: true)
      }
    }
    if let end = before.openEnd, let length = reachable[end.segment], length > end.offset {
      take(end.offset..<length, of: end.segment, isOpen: true)
    }
    let last = own.keys.max()
    for (segment, length) in reachable where patches[segment] == nil {
      if last.map({ segment > $0 }) ?? true { take(0..<length, of: segment, isOpen: true) }
    }
    return patches.values.sorted { $0.segment < $1.segment }
  }

  private func lengths(in storage: any Storage) throws(StorageError) -> [UInt64: UInt64] {
    var lengths: [UInt64: UInt64] = [:]
    for segment in try storage.segments() {
      lengths[segment] = try storage.open(LogPath.segment(segment), for: .reading).size()
    }
    return lengths
  }

  /// How much of each segment of the copy belongs to its log: what lies behind its end doesn't.
  private func usableLengths(
    _ lengths: [UInt64: UInt64], in copy: any Storage
  ) throws(LogError) -> [UInt64: UInt64] {
    var usable = lengths
    do {
      let end = try LogReader(copy, identity: identity).end.valid
      if let length = usable[end.segment] { usable[end.segment] = min(length, end.offset) }
    } catch {
      // The copy is damaged at its end: what is taken from it has to verify all the same.
      guard case .needsRepair = error else { throw error }
    }
    return usable
  }

  // MARK: - The tail and head

  /// Plans to cut what follows the valid log, where the choices allow it.
  mutating func cutTail(
    _ choices: RepairChoices
  ) throws(LogError) -> (segment: UInt64, range: Range<UInt64>, digest: Digest)? {
    guard let end = after.openEnd, after.tail != .fill else { return nil }
    switch (after.state, after.tail) {
    case (.suspect, _) where choices.acceptsTail: break
    case (.headLost, .explained) where choices.rebuildsHead,
      (.headLost, .unexplained) where choices.rebuildsHead && choices.acceptsTail:
      break
    default: return nil
    }
    let (length, digest) = try reporting { () throws(StorageError) in
      let file = try storage.open(LogPath.segment(end.segment), for: .reading)
      let length = try file.size()
      return (length, try forEachPiece(of: file, end.offset..<length) { (_, _) in })
    }
    patches.append(
      SegmentPatch(segment: end.segment, ownLength: length, length: end.offset))
    try verify()
    return (end.segment, end.offset..<length, digest)
  }

  /// Plans to make both slots anew, where nothing but `head` is wrong.
  mutating func rebuildHead() throws(LogError) -> [HeadSlot]? {
    let broken = after.damage.filter(\.breaksLog)
    guard after.tail == .fill, after.state == .headLost || !broken.isEmpty,
      broken.allSatisfy({ $0.kind == .head })
    else { return nil }
    let slots = try reporting { () throws(StorageError) in
      try Head.slots(in: storage, of: identity.id)
    }
    head = try Head.made(
      from: LogSurvey(storage: overlay(), identity: identity, slots: [], knownDurable: 0),
      after: slots.first?.generation ?? 1)
    if head != nil { try verify() }
    return head
  }
}

extension SegmentPatch {
  /// The segment as it is to be.
  func file(in storage: any Storage, copy: (any Storage)?) throws(StorageError) -> MergedFile {
    let path = LogPath.segment(segment)
    return MergedFile(
      own: ownLength == nil ? nil : try storage.open(path, for: .reading),
      copy: copied.isEmpty ? nil : try copy?.open(path, for: .reading), copied: copied,
      length: length)
  }
}

extension Head {
  /// All of the file that holds these two slots.
  static func encoded(_ slots: [HeadSlot], in ledger: LedgerID) -> [UInt8] {
    slots.sorted { $0.offset < $1.offset }.flatMap { $0.encoded(in: ledger) }
  }

  /// Two slots that tell of the end of a log; `nil` where it doesn't end well.
  static func made(from survey: LogSurvey, after generation: UInt64) -> [HeadSlot]? {
    guard survey.endsWithFill, let frontier = survey.scanner.frontier,
      survey.end.state == .clean || survey.end.state == .headLost
    else { return nil }
    return (1...2).map { step in
      HeadSlot(
        generation: generation + step, position: survey.end.valid,
        commitOffset: survey.lastCommitOffset, root: frontier.root, frontier: frontier)
    }
  }
}
