import Bytes
import Events

/// Plans notices one after the other; dispatches, programs and texts are looked up and made once.
struct NoticePlanner<State: LedgerState> {
  typealias Failure = DecisionError<State.Failure>

  /// What holds for all notices of a dispatch at the moment.
  private struct Call {
    let dispatch: Dispatch
    let program: ProgramDefined
    /// When quiet hours are over, where they are on.
    let quietUntil: Instant?
  }

  /// All that texts of one moment differ by.
  private struct TextUse: Hashable {
    let dispatchID: EntityID
    let channel: ChannelCode
    let language: String?
    let isLate: Bool
  }

  private let decider: Decider<State>
  private var calls: [EntityID: Call] = [:]
  private var texts: [TextUse: ComposedNotice] = [:]
  private var templates: [Defined<TemplatePublished>]?

  init(decider: Decider<State>) { self.decider = decider }

  mutating func add(
    _ notice: Notice, to plan: inout NoticePlan, canSend: (ChannelCode) -> Bool
  ) throws(Failure) {
    let call = try call(notice.key.dispatchID)
    let (dispatch, program) = (call.dispatch, call.program)
    let number = notice.key.modification
    guard let kind = dispatch.noticeKind(of: number) else {
      throw .undefined(.dispatch(dispatch.id))
    }
    let cause = dispatch.modifications[number - 1].event
    func suppress(
      _ reason: SuppressionReason, on channel: ChannelCode? = nil, detail: String? = nil
    ) {
      plan.heldBack.append(
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
    if user.erased != nil {
      suppress(.erased)
      return
    }
    if dispatch.request.isTest, program.testRecipientsOnly == true,
      user.definition?.isTestRecipient != true
    {
      suppress(.testMode)
      return
    }
    let remaining = Array(notice.channels.drop { $0 != notice.standing.channel })
    // The channels that are left take the place of the program's: no other was resolved.
    var narrowed = program
    narrowed.communicationCodes = remaining
    switch decider.choice(of: user, for: narrowed) {
    case .none(let reason, let detail):
      suppress(reason.suppression, detail: detail)
    case .channels(let usable):
      let isLate = isLate(kind, call)
      if let reason = try lateReason(notice, call, isLate: isLate) {
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
      let passing: QuietHoursPassing?
      switch quiet(kind, call) {
      case .over: passing = nil
      case .passes(let why): passing = why
      case .waits(let until):
        plan.heldBack.append(put(off: notice, on: channel, kind, until: until, causedBy: cause))
        return
      }
      plan.attempts.append(
        try attempt(notice, on: channel, kind, isLate, passing, user, call, causedBy: cause))
    }
  }

  private mutating func call(_ id: EntityID) throws(Failure) -> Call {
    if let known = calls[id] { return known }
    let dispatch = try decider.existing(id)
    let program = try decider.program(of: dispatch).definition
    var quietUntil: Instant?
    if let quiet = program.quietHours {
      guard let rules = decider.context.zone(program.timeZone) else {
        throw .zoneUnavailable(program.timeZone)
      }
      let now = decider.context.now
      if let over = quiet.allowedAgain(from: now, rules: rules), over > now { quietUntil = over }
    }
    let call = Call(dispatch: dispatch, program: program, quietUntil: quietUntil)
    calls[id] = call
    return call
  }

  // MARK: - Deadlines and quiet hours

  private func isLate(_ kind: NoticeKind, _ call: Call) -> Bool {
    kind.hasDeadline
      && decider.isLate(
        call.dispatch.start.instant, call.dispatch.end?.instant, call.program.leadTime)
  }

  /// Why a notice that is late isn't sent, or `nil`.
  private func lateReason(
    _ notice: Notice, _ call: Call, isLate: Bool
  ) throws(Failure) -> SuppressionReason? {
    guard isLate else { return nil }
    if try isFirst(notice) { return call.program.lateNotice == .suppress ? .deadlinePassed : nil }
    return call.dispatch.start.instant <= decider.context.now ? .deadlinePassed : nil
  }

  /// Whether nothing was sent yet, as far as is known: an unknown outcome that the program sends
  /// again may be the first that arrives.
  private func isFirst(_ notice: Notice) throws(Failure) -> Bool {
    guard let last = notice.standing.lastAttempt else { return true }
    let attempt = try decider.ask { state throws(State.Failure) in try state.attempt(last) }
    return attempt?.standing.fate == .settled(.resend)
  }

  private enum Quiet {
    /// No quiet hours are on.
    case over
    case passes(QuietHoursPassing)
    case waits(until: Instant)
  }

  private func quiet(_ kind: NoticeKind, _ call: Call) -> Quiet {
    guard let quiet = call.program.quietHours, let until = call.quietUntil else { return .over }
    if quiet.what == .override { return .passes(.override) }
    let start = call.dispatch.start.instant
    let limit =
      kind.hasDeadline ? noticeDeadline(start: start, leadTime: call.program.leadTime) : start
    return until <= limit ? .waits(until: until) : .passes(.deadline)
  }

  private func put(
    off notice: Notice, on channel: ChannelCode, _ kind: NoticeKind, until time: Instant,
    causedBy cause: EventID
  ) -> EventDraft {
    let key = notice.key
    return decider.draft(
      .notificationDeferred(
        NotificationDeferred(
          dispatchID: key.dispatchID, modification: key.modification, userID: key.userID,
          channel: channel, kind: kind, until: time, reason: .quietHours)),
      about: key.dispatchID, causedBy: cause)
  }

  // MARK: - An attempt

  private mutating func attempt(
    _ notice: Notice, on channel: ChannelCode, _ kind: NoticeKind, _ isLate: Bool,
    _ quietHours: QuietHoursPassing?, _ user: User, _ call: Call, causedBy cause: EventID
  ) throws(Failure) -> PlannedAttempt {
    let contact = user.definition?.contacts.first { $0.channel == channel }
    guard let contact else { throw .undefined(.user(user.id)) }
    let earlier = try decider.ask { state throws(State.Failure) in
      try state.attempts(of: notice.key)
    }
    let isTest = call.dispatch.request.isTest
    let composed = try text(kind, channel, user.definition?.language, isLate, call)
    return PlannedAttempt(
      key: notice.key, channel: channel, number: earlier.count { $0.channel == channel } + 1,
      kind: kind, isLate: isLate, isTest: isTest, start: call.dispatch.start.instant,
      address: contact.address, user: user.version, cause: cause, quietHours: quietHours,
      template: composed.version, text: composed.text,
      answersWithin: kind.hasDeadline ? call.program.escalation?.within : nil)
  }

  /// What a notice of the dispatch's last modification says.
  private mutating func text(
    _ kind: NoticeKind, _ channel: ChannelCode, _ language: String?, _ isLate: Bool, _ call: Call
  ) throws(Failure) -> ComposedNotice {
    let dispatch = call.dispatch
    let key = TextUse(
      dispatchID: dispatch.id, channel: channel, language: language, isLate: isLate)
    if let known = texts[key] { return known }
    let content = NoticeContent(
      dispatchID: dispatch.id, modification: dispatch.modification,
      programName: call.program.name, kind: kind, isTest: dispatch.request.isTest, isLate: isLate,
      start: dispatch.start, end: dispatch.end, language: language)
    let composed = content.composed(
      by: try allTemplates(),
      for: TemplateUse(
        programID: call.program.id, eventTypeID: dispatch.request.eventTypeID, channel: channel,
        language: language, kind: kind))
    texts[key] = composed
    return composed
  }

  private mutating func allTemplates() throws(Failure) -> [Defined<TemplatePublished>] {
    if let templates { return templates }
    let all = try decider.ask { state throws(State.Failure) in try state.templates() }
    templates = all
    return all
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
