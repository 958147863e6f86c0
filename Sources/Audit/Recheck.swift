package import Bytes
package import Dispatching
package import EventLog
package import Events

/// The decisions of a ledger made again from its history, its books, and whether its recipients
/// were told in time (`FORMAT.md` §17): one pass over the log, and no key, view or setting.
package struct Recheck {
  package let identity: LedgerIdentity
  /// How many events were read, and the root of the tree of those.
  package let size: UInt64
  package let root: Digest?
  private let rechecker: Rechecker
  private let horizon: Instant?

  /// Reads the log.
  ///
  /// - Parameters:
  ///   - point: Only the history up to it is read; all that was recorded, since decisions saw it.
  ///   - dispatch: Only what concerns it is examined.
  ///   - keepsAccounts: Whether ``accounts`` will be asked for; without it, findings and notes are all
  ///     that there is, and less is remembered.
  ///   - body: Told each event that is read.
  /// - Throws: `.noSuchDispatch`, `.noSuchEvent`, `.unreadableEvent`, `.log`.
  package init(
    _ reader: LogReader, at point: HistoryPoint? = nil, of dispatch: EntityID? = nil,
    keepsAccounts: Bool = true, today zones: TodaysZones, observing body: (Event) -> Void = { _ in }
  ) throws(AuditError) {
    var rechecker = Rechecker(of: dispatch, keepsAccounts: keepsAccounts, today: zones)
    var cursor = try HistoryCursor(reader, to: point)
    var last: CommitLine?
    while let stored = try cursor.read() {
      let event: Event
      do { event = try Event(decoding: stored.line) } catch {
        throw .unreadableEvent(stored.id, error)
      }
      rechecker.take(event, isFirst: stored.id == stored.commit.first)
      body(event)
      last = stored.commit
    }
    rechecker.finish()
    if let dispatch, rechecker.tally.examined == 0 { throw .noSuchDispatch(dispatch) }
    identity = reader.identity
    size = last?.end ?? 0
    root = last?.root
    horizon = point?.time ?? rechecker.lastTime
    self.rechecker = rechecker
  }

  /// What was found, at most so many as are listed.
  package var findings: [Finding] { rechecker.tally.findings }
  package var findingCount: Int { rechecker.tally.findingCount }
  package var notes: [Note] { rechecker.tally.notes }
  package var noteCount: Int { rechecker.tally.noteCount }
  /// How many events were looked at, and how many of them the rules make just so.
  package var examined: Int { rechecker.tally.examined }
  package var rechecked: Int { rechecker.tally.rechecked }

  /// The dispatches that were examined, as they were requested; each is made when it is asked for.
  package var accounts: some Sequence<DispatchAccount> {
    let (rechecker, horizon) = (rechecker, horizon)
    return rechecker.dispatches.lazy.compactMap { id in
      horizon.flatMap { rechecker.account(of: id, by: $0) }
    }
  }

  /// All attempts to tell the users of a dispatch, by modification, user and their order.
  package func attempts(of account: DispatchAccount) -> [Attempt] {
    rechecker.attempts(of: account)
  }

  /// What wasn't made again, and why.
  package var omissions: [Omission] {
    let tally = rechecker.tally
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
