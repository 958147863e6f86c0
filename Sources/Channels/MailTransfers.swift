import CCurl
import Platform
import Synchronization

/// Exchanges with mail servers, each on a thread of its own that lives as long as it.
///
/// libcurl waits for the reply to a message's end, and to its leave, within one call (`smtp_done`
/// and `smtp_disconnect` of 7.88 and later): among the transfers of one multi handle, all others
/// would stand still meanwhile. A handle keeps its connection for the next message.
final class MailTransfers: Sendable {
  private let alarm: SenderAlarm
  private let state = Mutex(State())

  private struct State {
    var ended: [(transfer: Transfer, end: NetworkEnd)] = []
    /// Handles whose connections are between two messages.
    var spare: [OpaqueHandle] = []
  }

  /// - Parameter alarm: What wakes up whoever waits for ends.
  init(_ alarm: SenderAlarm) { self.alarm = alarm }

  func begin(_ request: NetworkRequest, for ticket: Ticket) {
    let handle = state.withLock { $0.spare.popLast() } ?? OpaqueHandle()
    let transfer = Transfer(request, for: ticket, on: handle)
    // Where there is no thread, this one has to wait.
    if !startThread({ self.carryOut(transfer) }) { carryOut(transfer) }
  }

  /// Those that have ended since this was asked before.
  func takeEnded() -> [(transfer: Transfer, end: NetworkEnd)] {
    state.withLock { state in
      defer { state.ended = [] }
      return state.ended
    }
  }

  private func carryOut(_ first: Transfer) {
    var transfer = first
    var end = perform(transfer)
    if isStale(transfer, end) {
      transfer = Transfer(transfer.request, for: transfer.ticket, on: OpaqueHandle())
      end = perform(transfer)
    }
    let handle = transfer.handle
    state.withLock { state in
      state.ended.append((transfer, end))
      // After anything but success a reply may still come, which the next message would take as
      // its own: that connection is closed, with the handle, when this function ends.
      guard end.course == .answered else { return }
      unsafe ledger_curl_easy_reset(handle.pointer)
      state.spare.append(handle)
    }
    alarm.wake()
  }

  private func perform(_ transfer: Transfer) -> NetworkEnd {
    transfer.end(unsafe ledger_curl_easy_perform(transfer.handle.pointer))
  }

  /// Whether the server had closed the connection, after an earlier message, before it was asked
  /// for anything: the message never left, and goes on a new one.
  private func isStale(_ transfer: Transfer, _ end: NetworkEnd) -> Bool {
    guard case .mail = transfer.request.action else { return false }
    return end.isReused && end.course == .lost && end.reply.isEmpty && !end.isSent
  }
}
