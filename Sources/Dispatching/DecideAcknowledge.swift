import Bytes
import Events

extension Decider {
  /// Decides `acknowledge`: the answer is kept whoever gives it and whenever, with what is unusual
  /// about it, and what is still to be sent to its user is needless now.
  ///
  /// Refused is only what no event could hold: an answer to a dispatch or a modification that isn't
  /// there.
  package func decide(_ request: AcknowledgeRequest) throws(Failure) -> Decision {
    let found = try ask { state throws(State.Failure) in try state.dispatch(request.dispatchID) }
    guard let dispatch = found else { return unknownDispatch(request.dispatchID) }
    let number = request.modification ?? dispatch.modification
    guard number <= dispatch.modification else {
      let reason = RejectionCode.unknownModification.reason(
        "modification",
        "dispatch \(dispatch.id.text) has come to modification \(dispatch.modification), not to "
          + "\(number)")
      return .rejected(Rejection(kind: .notFound, reasons: [reason]))
    }
    let key = NoticeKey(
      dispatchID: dispatch.id, modification: number, userID: request.userID)
    let notice = try ask { state throws(State.Failure) in try state.notice(key) }
    let at = request.at ?? context.now
    let answer = AcknowledgementRecorded(
      dispatchID: dispatch.id, modification: number, userID: request.userID, opt: request.opt,
      at: at, marks: SortedSet(try marks(of: request.opt, at: at, key, notice, dispatch)))
    var drafts = [draft(.acknowledgementRecorded(answer), about: dispatch.id)]
    if let notice, notice.standing.state == .pending {
      drafts.append(
        suppress(notice, of: dispatch, .earlierAcknowledgement, causedBy: context.nextID))
    }
    return .accepted(drafts)
  }

  private func marks(
    of opt: OptAnswer?, at time: Instant, _ key: NoticeKey, _ notice: Notice?, _ dispatch: Dispatch
  ) throws(Failure) -> [AcknowledgementMark] {
    var marks: [AcknowledgementMark] = []
    let kind = dispatch.noticeKind(of: key.modification)
    if kind != .cancel, kind != .end, dispatch.isOver(at: time) { marks.append(.late) }
    if let notice, notice.standing.attempts == 0 { marks.append(.early) }
    let last = try ask { state throws(State.Failure) in try state.answers(of: key) }.last
    if let last, last.opt == opt { marks.append(.duplicate) }
    if notice == nil { marks.append(.stranger) }
    if key.modification < dispatch.modification { marks.append(.oldModification) }
    return marks
  }
}

extension Dispatch {
  /// Whether it had ended or was cancelled at `time`.
  fileprivate func isOver(at time: Instant) -> Bool {
    if let end, end.instant <= time { return true }
    return modifications.contains { modification in
      if case .cancel = modification.change { modification.recordedAt <= time } else { false }
    }
  }
}
