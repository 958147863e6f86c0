package import Bytes
package import Events

/// What is to be done about the notices that are due.
package struct NoticePlan: Equatable, Sendable {
  /// Events for what will not be attempted, or not yet; to be appended before the attempts.
  package var heldBack: [EventDraft] = []
  package var attempts: [PlannedAttempt] = []
  /// Due notices whose next channel can't be used now; they stay due.
  package var unsendable: [UnsendableNotice] = []

  /// Whether nothing that can be done is due.
  package var isEmpty: Bool { heldBack.isEmpty && attempts.isEmpty }

  /// How many of the events say that a notice, or its part on one channel, is never attempted.
  package var suppressionCount: Int { heldBack.count { $0.type == .notificationSuppressed } }
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
  /// Why it is sent in quiet hours, where it is.
  package let quietHours: QuietHoursPassing?
  package let template: TemplateVersion
  package let text: NoticeText
  /// The time in which its program wants answers, where it does.
  package let answersWithin: ISODuration?
}

extension Decider {
  /// Plans the notices that are due, the longest due first.
  ///
  /// What a due notice comes to, the first of these that holds:
  /// 1. a later modification exists: suppressed, superseded;
  /// 2. the user is erased; or it is a drill's and the user is no test recipient where only those are
  ///    reached; or the user refuses all, has no address left, or none that is valid: suppressed;
  /// 3. it is a start that comes late: a first notice is sent and says LATE, or is suppressed where
  ///    the program says so; a retry or a fail-over after the start is suppressed;
  /// 4. it is put off where quiet hours are on and it can wait for their end;
  /// 5. else it is attempted on the first of its remaining channels that can still be used, and
  ///    each one that is passed over is suppressed with its reason.
  ///
  /// - Parameters:
  ///   - limit: At most so many attempts, and so many events for what is held back.
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
        guard plan.attempts.count < limit, plan.heldBack.count < limit else { return plan }
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
