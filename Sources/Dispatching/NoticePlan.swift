package import Bytes
package import Events

/// What is to be done about the notices that are due.
package struct NoticePlan: Equatable, Sendable {
  /// Events for what will not be attempted; to be appended before the attempts.
  package var suppressions: [EventDraft] = []
  package var attempts: [PlannedAttempt] = []
  /// Due notices whose next channel can't be used now; they stay due.
  package var unsendable: [UnsendableNotice] = []

  /// Whether nothing that can be done is due.
  package var isEmpty: Bool { suppressions.isEmpty && attempts.isEmpty }
}

/// A notice that waits for a channel to be set up.
package struct UnsendableNotice: Hashable, Sendable {
  package let key: NoticeKey
  package let channel: ChannelCode
}

/// One try to be made: recorded first, by ``Decider/attempted(_:through:textHMAC:)``, then sent.
package struct PlannedAttempt: Equatable, Sendable {
  package let key: NoticeKey
  package let channel: ChannelCode
  /// Which try it is for this notice and channel, from 1.
  package let number: Int
  package let kind: NoticeKind
  package let isLate: Bool
  package let isTest: Bool
  /// When the dispatch starts.
  package let start: Instant
  /// Where to send it; only the sender opens it, as ``PersonalField/address(_:)``.
  package let address: SealedText
  /// The `user.defined` that gave the address.
  package let user: EventID
  /// The event of the modification that it tells of.
  package let cause: EventID
  package let text: NoticeText
}

extension Decider {
  /// Plans the notices that are due, the longest due first.
  ///
  /// What a due notice comes to, the first of these that holds:
  /// 1. a later modification exists: suppressed, superseded;
  /// 2. the user is erased, refuses all, has no address left, or none that is valid: suppressed;
  /// 3. it is a start that comes late: a first notice is sent and says LATE, or is suppressed where
  ///    the program says so; a retry or a fail-over after the start is suppressed;
  /// 4. else it is attempted on the first of its remaining channels that can still be used, and
  ///    each one that is passed over is suppressed with its reason.
  ///
  /// - Parameters:
  ///   - limit: At most so many attempts, and so many notices suppressed.
  ///   - canSend: Whether a channel is set up.
  package func planNotices(
    limit: Int, canSend: (ChannelCode) -> Bool
  ) throws(Failure) -> NoticePlan {
    var plan = NoticePlan()
    if limit < 1 { return plan }
    var asked = limit
    var seen = 0
    var planner = NoticePlanner(decider: self)
    // Notices that nothing can be done about stay in front of those behind them.
    while true {
      let due = try ask { state throws(State.Failure) in
        try state.dueNotices(at: context.now, limit: asked)
      }
      for notice in due.dropFirst(seen) {
        guard plan.attempts.count < limit, plan.suppressions.count < limit else { return plan }
        try planner.add(notice, to: &plan, canSend: canSend)
      }
      if due.count < asked { return plan }
      seen = due.count
      asked = asked.addingReportingOverflow(asked).overflow ? .max : asked * 2
    }
  }
}

extension Decider {
  /// Plans the notices that are due, the longest due first, as many on each channel as it takes now.
  ///
  /// A notice whose next channel isn't one of these stays due, and isn't looked at: so the cost follows what
  /// can be sent, however many wait for a channel that is full or isn't set up.
  ///
  /// - Parameter room: How many messages each channel that is set up takes now.
  package func planNotices(room: [ChannelCode: Int]) throws(Failure) -> NoticePlan {
    var plan = NoticePlan()
    var planner = NoticePlanner(decider: self)
    var left = room
    var due: [Notice] = []
    for (channel, count) in room where count > 0 {
      due += try ask { state throws(State.Failure) in
        try state.dueNotices(at: context.now, on: channel, limit: count)
      }
    }
    due.sort { one, other in
      (one.standing.dueAt ?? context.now, one.key) < (
        other.standing.dueAt ?? context.now, other.key
      )
    }
    for notice in due {
      let planned = plan.attempts.count
      // Whoever doesn't want to be told on this channel any more may be on another one's list.
      try planner.add(notice, to: &plan) { (left[$0] ?? 0) > 0 }
      if plan.attempts.count > planned, let used = plan.attempts.last?.channel {
        left[used, default: 0] -= 1
      }
    }
    return plan
  }

  /// What one notice comes to that is due, whatever else is; its channel is taken to be set up.
  package func plan(_ notice: Notice) throws(Failure) -> NoticePlan {
    var plan = NoticePlan()
    var planner = NoticePlanner(decider: self)
    try planner.add(notice, to: &plan) { _ in true }
    return plan
  }
}

/// Plans notices one after the other; each dispatch and program is looked up once.
private struct NoticePlanner<State: LedgerState> {
  typealias Failure = DecisionError<State.Failure>

  let decider: Decider<State>
  private var dispatches: [EntityID: (dispatch: Dispatch, program: ProgramDefined)] = [:]

  init(decider: Decider<State>) { self.decider = decider }

  mutating func add(
    _ notice: Notice, to plan: inout NoticePlan, canSend: (ChannelCode) -> Bool
  ) throws(Failure) {
    let (dispatch, program) = try known(notice.key.dispatchID)
    let number = notice.key.modification
    guard let kind = dispatch.noticeKind(of: number) else {
      throw .undefined(.dispatch(dispatch.id))
    }
    let cause = dispatch.modifications[number - 1].event
    func suppress(
      _ reason: SuppressionReason, on channel: ChannelCode? = nil, detail: String? = nil
    ) {
      plan.suppressions.append(
        decider.suppress(
          notice, of: dispatch, reason, on: channel, detail: detail, causedBy: cause))
    }
    guard number == dispatch.modification else {
      suppress(.superseded)
      return
    }
    let userID = notice.key.userID
    let user = try decider.ask { state throws(State.Failure) in try state.user(userID) }
    guard let user else { throw .undefined(.user(userID)) }
    let remaining = Array(notice.channels.drop { $0 != notice.standing.channel })
    // The channels that are left take the place of the program's: no other was resolved.
    var narrowed = program
    narrowed.communicationCodes = remaining
    switch decider.choice(of: user, for: narrowed) {
    case .none(let reason, let detail):
      suppress(reason.suppression, detail: detail)
    case .channels(let usable):
      let isLate = isLate(kind, dispatch, program)
      if let reason = try lateReason(notice, kind, dispatch, program, isLate: isLate) {
        suppress(reason)
        return
      }
      guard let channel = usable.first else { return }
      guard canSend(channel) else {
        plan.unsendable.append(UnsendableNotice(key: notice.key, channel: channel))
        return
      }
      for passed in remaining.prefix(while: { $0 != channel }) {
        var only = program
        only.communicationCodes = [passed]
        if case .none(let reason, let detail) = decider.choice(of: user, for: only) {
          suppress(reason.suppression, on: passed, detail: detail)
        }
      }
      try attempt(notice, on: channel, kind, isLate, user, dispatch, program, cause, &plan)
    }
  }

  private mutating func known(
    _ id: EntityID
  ) throws(Failure) -> (dispatch: Dispatch, program: ProgramDefined) {
    if let known = dispatches[id] { return known }
    let dispatch = try decider.existing(id)
    let known = (dispatch, try decider.program(of: dispatch).definition)
    dispatches[id] = known
    return known
  }

  private func isLate(
    _ kind: NoticeKind, _ dispatch: Dispatch, _ program: ProgramDefined
  ) -> Bool {
    kind.hasDeadline
      && decider.isLate(dispatch.start.instant, dispatch.end?.instant, program.leadTime)
  }

  /// Why a notice that is late isn't sent, or `nil`.
  private func lateReason(
    _ notice: Notice, _ kind: NoticeKind, _ dispatch: Dispatch, _ program: ProgramDefined,
    isLate: Bool
  ) throws(Failure) -> SuppressionReason? {
    guard isLate else { return nil }
    if try isFirst(notice) { return program.lateNotice == .suppress ? .deadlinePassed : nil }
    return dispatch.start.instant <= decider.context.now ? .deadlinePassed : nil
  }

  /// Whether nothing was sent yet, as far as is known: an unknown outcome that the program sends
  /// again may be the first that arrives.
  private func isFirst(_ notice: Notice) throws(Failure) -> Bool {
    guard let last = notice.standing.lastAttempt else { return true }
    let attempt = try decider.ask { state throws(State.Failure) in try state.attempt(last) }
    return attempt?.standing.fate == .settled(.resend)
  }

  private func attempt(
    _ notice: Notice, on channel: ChannelCode, _ kind: NoticeKind, _ isLate: Bool, _ user: User,
    _ dispatch: Dispatch, _ program: ProgramDefined, _ cause: EventID, _ plan: inout NoticePlan
  ) throws(Failure) {
    let contact = user.definition?.contacts.first { $0.channel == channel }
    guard let contact else { throw .undefined(.user(user.id)) }
    let earlier = try decider.ask { state throws(State.Failure) in
      try state.attempts(of: notice.key)
    }
    let content = NoticeContent(
      dispatchID: dispatch.id, modification: notice.key.modification, programName: program.name,
      kind: kind, isTest: dispatch.request.isTest, isLate: isLate, start: dispatch.start,
      end: dispatch.end)
    plan.attempts.append(
      PlannedAttempt(
        key: notice.key, channel: channel,
        number: earlier.count { $0.channel == channel } + 1, kind: kind, isLate: isLate,
        isTest: dispatch.request.isTest, start: dispatch.start.instant, address: contact.address,
        user: user.version, cause: cause, text: content.builtinText()))
  }
}

extension NoticeKind {
  /// Whether the program's lead time says until when it must be there; what ends or cancels a
  /// dispatch is told at any time.
  package var hasDeadline: Bool {
    switch self {
    case .standby, .start, .update, .extend: true
    case .cancel, .end: false
    }
  }
}

extension ExclusionReason {
  /// The same reason where it comes only after the resolution.
  fileprivate var suppression: SuppressionReason {
    switch self {
    case .optedOut: .optedOut
    case .noAddress: .noAddress
    case .invalidAddress: .invalidAddress
    case .programExcludes, .notInGroup, .notEnrolled, .withdrawn: .programExcludes
    }
  }
}
