package import Bytes
package import EventLog
package import Events

/// The decisions of a ledger made again from its history, its books, and whether its recipients
/// were told in time (`FORMAT.md` §17): no key, view or setting is asked.
///
/// A short history is read once. Of a long one each of several passes holds a share of the dispatches,
/// so that memory doesn't follow the history's length; what they find is put in order at the end.
package struct Recheck {
  package let identity: LedgerIdentity
  /// How many events were read, and the root of the tree of those.
  package let size: UInt64
  package let root: Digest?
  /// How many passes were made to find what is found.
  package let passes: Int
  private let tally: Tally
  private let horizon: Instant?
  /// What a single pass has kept.
  private let fold: AccountFold?
  private let requests: [Rechecker.Request]
  private let history: (reader: LogReader, point: HistoryPoint?)

  /// Events in a pass's share; each costs about half a kilobyte while the pass goes on.
  package static let eventsInPass: UInt64 = 131_072

  /// Reads the log.
  ///
  /// - Parameters:
  ///   - point: Only the history up to it is read; all that was recorded, since decisions saw it.
  ///   - dispatch: Only what concerns it is examined, in a single pass.
  ///   - keepsAccounts: Whether ``accounts`` will be asked for; without it, findings and notes are all
  ///     that there is, and less is remembered.
  ///   - passes: How many passes are made; `nil`: as many as the history is long.
  ///   - workers: Who makes passes.
  ///   - body: Told each event that is read, in a single pass.
  /// - Throws: `.noSuchDispatch`, `.noSuchEvent`, `.unreadableEvent`, `.log`.
  package init(
    _ reader: LogReader, at point: HistoryPoint? = nil, of dispatch: EntityID? = nil,
    keepsAccounts: Bool = true, passes: Int? = nil, workers: @escaping Workers = oneByOne,
    today zones: TodaysZones, observing body: ((Event) -> Void)? = nil
  ) throws(AuditError) {
    let needed = Int(clamping: (reader.size + Self.eventsInPass - 1) / Self.eventsInPass)
    let count = dispatch == nil && body == nil ? max(1, passes ?? needed) : 1
    let pass = RecheckPass(
      reader: reader, point: point, wanted: dispatch, keepsAccounts: keepsAccounts, zones: zones)
    var found: RecheckPass.Found?
    if count > 1 { found = try pass.run(in: count, by: workers) }
    self.passes = found == nil ? 1 : count
    let result: RecheckPass.Found
    if let found { result = found } else { result = try pass.run(observing: body) }
    if let dispatch, result.tally.examined == 0 { throw .noSuchDispatch(dispatch) }
    identity = reader.identity
    size = result.last?.end ?? 0
    root = result.last?.root
    horizon = point?.time ?? result.last?.time
    tally = result.tally
    fold = result.fold
    requests = result.requests
    history = (reader, point)
  }

  /// What was found, at most so many as are listed.
  package var findings: [Finding] { tally.findings }
  package var findingCount: Int { tally.findingCount }
  package var notes: [Note] { tally.notes }
  package var noteCount: Int { tally.noteCount }
  /// How many events were looked at, and how many of them the rules make just so.
  package var examined: Int { tally.examined }
  package var rechecked: Int { tally.rechecked }

  /// The dispatches that were examined, as they were requested; each is made when it is asked for.
  package var accounts: AccountCursor {
    AccountCursor(of: requests, kept: fold, in: history.reader, at: history.point, by: horizon)
  }

  /// What wasn't made again, and why.
  package var omissions: [Omission] {
    var omissions = tally.foreignDeciders.sorted { $0.key < $1.key }.map {
      Omission(
        what: "what rules \($0.key) decided (events: \($0.value))",
        why: "this program doesn't have these rules")
    }
    omissions += EventType.allCases.compactMap { type in
      tally.unjudged[type].map {
        Omission(
          what: "\(type.rawValue) (events: \($0))",
          why: "this program has no rules that decide such events")
      }
    }
    if tally.followers > 0 {
      omissions.append(
        Omission(
          what: "resolutions and what they supersede (events: \(tally.followers))",
          why: "what they follow from is a finding, or can't be made again"))
    }
    return omissions + Omission.always
  }
}

/// Something that a recheck takes as it stands.
package struct Omission: Hashable, Sendable {
  package let what: String
  package let why: String

  /// What comes from outside of history.
  static let always = [
    Omission(
      what: "which channels were set up, and how",
      why: "config.json isn't part of the history; a notice that stays due may have waited for its "
        + "channel, and attempts' channel_kind, channel_host and channel_settings are taken as "
        + "they stand"),
    Omission(
      what: "names, addresses and texts of notices",
      why: "they are sealed or hashed under users' keys; whether an address is valid was judged "
        + "when it was recorded"),
    Omission(
      what: "ids of dispatches and idempotency hashes",
      why: "they come from random numbers and a key of the ledger"),
    Omission(
      what: "what channels and providers reported", why: "it is a fact from outside"),
    Omission(
      what: "which entries of an import changed nothing",
      why: "its document isn't kept; each event of it is checked by itself"),
    Omission(
      what: "what clocks in a zone showed",
      why: "the offset that was recorded is used, and never a zone database of today"),
  ]
}

/// One dispatch's books.
package struct DispatchAccount: Sendable {
  package let id: EntityID
  package let programID: EntityID
  package let isTest: Bool
  package let start: ZonedMoment
  package let end: ZonedMoment?
  package let modifications: [ModificationAccount]
}
