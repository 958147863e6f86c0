import Bytes
package import Channels
package import Dispatching
import EventLog
package import Events
import Platform
import Views

extension Ledger {
  /// Whether a process delivers at this moment, and it may be otherwise at once.
  ///
  /// To find out, the lock is taken for an instant: whoever begins to deliver in just that is told
  /// to try again (75).
  package var isDelivering: Bool {
    guard let lock = try? storage.open(LedgerPath.delivering, for: .writing),
      let isFree = try? lock.tryLock()
    else { return false }
    return !isFree
  }
}

/// What one run of delivering did.
package struct DeliveryReport: Hashable, Sendable {
  package var attempts = 0
  /// Taken by the channel.
  package var accepted = 0
  package var failed = 0
  package var unknown = 0
  package var suppressed = 0
  /// Notices that weren't sent since their users' keys are missing; some of the suppressed ones.
  package var withoutKey = 0
  /// Attempts of an earlier run that nothing came back for.
  package var lost = 0
  /// Channels that due notices wait for and that aren't set up, with how many wait.
  package var unsendable: [ChannelCode: Int] = [:]

  package init() {}
}

extension Ledger {
  /// What is due, without sending it; and what waits for or fires by a time or a condition, and why.
  ///
  /// - Parameter limit: How many notices at most.
  package func planDelivery(
    through channels: ChannelSet, limit: Int
  ) throws(LedgerError) -> (notices: NoticePlan, watched: [WatchedDispatch]) {
    let decider = try takeTurn().decider()
    return try inDecision { () throws(DecisionError<ViewError>) in
      let plan = try decider.planNotices(limit: limit) { channels[$0] != nil }
      let watched = try decider.watchedDispatches().filter { one in
        if case .isDone = one.standing { false } else { true }
      }
      return (plan, watched)
    }
  }

  /// The address of a planned attempt and the hash of its text, once the line that the views remember says
  /// the same; `nil` where the user's key doesn't open the address.
  func personalParts(
    of planned: PlannedAttempt, in reader: LogReader
  ) throws(LedgerError) -> (address: String, textHMAC: HexDigest)? {
    let user = planned.key.userID
    let location = try inViews { () throws(ViewError) in
      try views.streams.location(of: planned.user, about: .user(user))
    }
    guard let location,
      let line = try line(of: planned.user, at: location, in: reader),
      let event = try? Event(decoding: line), event.id == planned.user,
      case .userDefined(let defined) = event.payload,
      defined.contacts.contains(where: {
        $0.channel == planned.channel && $0.address == planned.address
      })
    else { throw .unconfirmedAddress(user: user, event: planned.user) }
    guard let hmac = try keys.textHMAC(of: planned.text.bytes, user: user),
      let address = keys.open(planned.address, user, .address(planned.channel))
    else { return nil }
    return (address, hmac)
  }
}
