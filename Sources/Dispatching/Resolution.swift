import Bytes
import Events

/// Which channels a user is told on, or the reason why on none.
enum ChannelChoice: Equatable {
  case channels([ChannelCode])
  case none(ExclusionReason, detail: String? = nil)

  /// The program's channels, in order, for which the user has an address, less opt-outs, less
  /// addresses that can't be sent to.
  ///
  /// Where nothing is left, the reason is the first of these that left nothing: an opt-out of all
  /// channels; no address; opt-outs of channels; addresses that aren't valid.
  init(of program: ProgramDefined, contacts: [Contact], optOuts: [OptOutScope]) {
    if optOuts.contains(where: { $0.refusesAll(of: program.id) }) {
      self = .none(.optedOut, detail: "all channels")
      return
    }
    let addressed = program.communicationCodes.compactMap { code in
      contacts.first { $0.channel == code }
    }
    if addressed.isEmpty {
      self = .none(.noAddress)
      return
    }
    let wanted = addressed.filter { contact in
      !optOuts.contains { $0.refuses(program.id, on: contact.channel) }
    }
    if wanted.isEmpty {
      self = .none(
        .optedOut, detail: addressed.map(\.channel.text).joined(separator: ", "))
      return
    }
    let valid = wanted.filter(\.isValid)
    if valid.isEmpty {
      let problems = wanted.map { "\($0.channel.text): \($0.problem?.rawValue ?? "valid")" }
      self = .none(.invalidAddress, detail: problems.joined(separator: ", "))
      return
    }
    self = .channels(valid.map(\.channel))
  }
}

/// What one resolution is to answer.
struct ResolutionTask {
  let dispatchID: EntityID
  let modification: Int
  let basis: ResolutionBasis
  let program: Defined<ProgramDefined>
  let eventType: Defined<MarketEventTypeDefined>
  /// The moment at which enrollments are looked at.
  let time: Instant
  /// The event that it follows from.
  let cause: EventID
}

/// A user who was considered: a recipient, or an exclusion.
enum ResolutionEntry: Equatable {
  case recipient(Recipient)
  case exclusion(Exclusion)

  init(_ id: EntityID, version: EventID, _ choice: ChannelChoice) {
    switch choice {
    case .channels(let codes):
      self = .recipient(
        Recipient(userID: id, user: version, channels: codes.map { RecipientChannel(channel: $0) }))
    case .none(let reason, let detail):
      self = .exclusion(Exclusion(userID: id, user: version, reason: reason, detail: detail))
    }
  }

  /// The first of these that holds excludes: not-in-group; withdrawn or not-enrolled, where the
  /// program asks for enrollment; then what ``ChannelChoice`` says.
  init(
    _ user: ConsideredUser, program: ProgramDefined, groups: SortedSet<EntityID>, at time: Instant
  ) {
    let definition = user.definition
    let choice: ChannelChoice
    if !definition.userGroupIDs.meets(groups) {
      choice = .none(.notInGroup)
    } else if program.enrollmentRequired, !user.enrollments.contains(where: { $0.contains(time) }) {
      let hasLeft = user.enrollments.contains { $0.from <= time }
      choice = .none(hasLeft ? .withdrawn : .notEnrolled)
    } else {
      choice = ChannelChoice(of: program, contacts: definition.contacts, optOuts: user.optOuts)
    }
    self.init(definition.id, version: user.version, choice)
  }

  var userID: EntityID {
    switch self {
    case .recipient(let recipient): recipient.userID
    case .exclusion(let exclusion): exclusion.userID
    }
  }

  /// Whether groups or enrollment leave the user out, and no wish or address of its own.
  var isExcludedByRules: Bool {
    guard case .exclusion(let exclusion) = self else { return false }
    return [.notInGroup, .notEnrolled, .withdrawn].contains(exclusion.reason)
  }

  var byteCount: Int {
    switch self {
    case .recipient(let recipient): recipient.canonicalBytes.count + 1
    case .exclusion(let exclusion): exclusion.canonicalBytes.count + 1
    }
  }
}

/// All that a resolution found, and the events that say so.
struct Resolution {
  /// By user.
  let entries: [ResolutionEntry]
  let userGroups: SortedSet<EventID>
  let notConsidered: Int

  /// The most that the entries of one event may take, so that with 256 groups and the envelope its
  /// line stays below the log's limit.
  static let chunkBytes = 40_000

  /// The events, at least one; the last one holds the totals.
  func chunks(of task: ResolutionTask) -> [RecipientsResolved] {
    var parts: [[ResolutionEntry]] = [[]]
    var bytes = 0
    for entry in entries {
      let size = entry.byteCount
      let count = parts[parts.count - 1].count
      if count == RecipientsResolved.entryLimit || (count > 0 && bytes + size > Self.chunkBytes) {
        parts.append([])
        bytes = 0
      }
      parts[parts.count - 1].append(entry)
      bytes += size
    }
    var chunks = parts.enumerated().map { index, part in
      RecipientsResolved(
        dispatchID: task.dispatchID, modification: task.modification, chunk: index,
        basis: task.basis, program: task.program.version, eventType: task.eventType.version,
        userGroups: userGroups, recipients: recipients(of: part), exclusions: exclusions(of: part))
    }
    let totals = ResolutionTotals(
      recipients: recipients(of: entries).count, exclusions: exclusions(of: entries).count,
      notConsidered: notConsidered)
    chunks[chunks.count - 1].totals = totals
    invariant(
      totals.considered == chunks.reduce(0) { $0 + $1.recipients.count + $1.exclusions.count }
        && notConsidered >= 0, "the books of dispatch \(task.dispatchID.text) don't balance")
    return chunks
  }

  private func recipients(of entries: [ResolutionEntry]) -> [Recipient] {
    entries.compactMap { entry in
      if case .recipient(let recipient) = entry { recipient } else { nil }
    }
  }

  private func exclusions(of entries: [ResolutionEntry]) -> [Exclusion] {
    entries.compactMap { entry in
      if case .exclusion(let exclusion) = entry { exclusion } else { nil }
    }
  }
}
