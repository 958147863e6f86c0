import Bytes
import CCurl
import Synchronization

/// What a transfer is for.
enum Ticket {
  case message(OutgoingMessage)
  case trial
}

/// One of curl's handles, which is used for one transfer after the other.
///
/// Unchecked, because it is handed from thread to thread, and used by one at a time.
@safe final class OpaqueHandle: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  /// Its address.
  var key: UInt { unsafe UInt(bitPattern: pointer) }

  init() {
    guard let pointer = unsafe ledger_curl_easy_init() else {
      fatalError("invariant broken: curl gave no handle")
    }
    unsafe self.pointer = unsafe pointer
  }

  deinit { unsafe ledger_curl_easy_cleanup(pointer) }
}

/// Wakes up whoever waits for transfers, from any thread.
@safe package final class SenderAlarm: @unchecked Sendable {
  fileprivate let multi: UnsafeMutableRawPointer
  fileprivate let isRung = Atomic(false)

  /// Whether libcurl was there and has started.
  static let hasStarted = ledger_curl_start()

  fileprivate init() {
    invariant(Self.hasStarted, "curl doesn't start")
    guard let multi = unsafe ledger_curl_multi_init() else {
      fatalError("invariant broken: curl gave no handle")
    }
    unsafe self.multi = unsafe multi
  }

  deinit { unsafe ledger_curl_multi_cleanup(multi) }

  /// Ends the wait of ``Transfers``, of which the sender may make another.
  func wake() { unsafe ledger_curl_multi_wakeup(multi) }

  /// Makes ``Sender/finished(waitingMilliseconds:)`` return soon; once rung, until it has.
  package func ring() {
    isRung.store(true, ordering: .releasing)
    wake()
  }
}

/// Exchanges over HTTP that go on at once, all on the thread of whoever calls.
@safe final class Transfers {
  let alarm = SenderAlarm()
  /// By the address of the handle.
  private var running: [UInt: Transfer] = [:]
  private var spare: [OpaqueHandle] = []

  /// - Parameter connections: How many connections are kept open for messages to come.
  init(connections: Int) {
    unsafe ledger_curl_multi_set_long(
      alarm.multi, CURLMOPT_MAXCONNECTS, min(max(connections, 4), 512))
  }

  deinit {
    for transfer in running.values {
      unsafe ledger_curl_multi_remove_handle(alarm.multi, transfer.handle.pointer)
    }
  }

  func begin(_ request: NetworkRequest, for ticket: Ticket) {
    let handle = spare.popLast() ?? OpaqueHandle()
    let transfer = Transfer(request, for: ticket, on: handle)
    running[handle.key] = transfer
    let code = unsafe ledger_curl_multi_add_handle(alarm.multi, handle.pointer)
    invariant(code == CURLM_OK, "curl takes no transfer: \(code.rawValue)")
  }

  /// Goes on with all transfers as far as they can without waiting.
  ///
  /// - Returns: Those that have ended.
  func advance() -> [(transfer: Transfer, end: NetworkEnd)] {
    var left: Int32 = 0
    unsafe ledger_curl_multi_perform(alarm.multi, &left)
    var ended: [(transfer: Transfer, end: NetworkEnd)] = []
    var code = CURLE_OK
    while let pointer = unsafe ledger_curl_next_done(alarm.multi, &code) {
      let key = UInt(bitPattern: pointer)
      guard let transfer = running.removeValue(forKey: key) else { continue }
      ended.append((transfer, transfer.end(code)))
      unsafe ledger_curl_multi_remove_handle(alarm.multi, pointer)
      // Connections and sessions of TLS stay; all options go, with the pointers among them.
      unsafe ledger_curl_easy_reset(pointer)
      spare.append(transfer.handle)
    }
    return ended
  }

  /// Waits until a transfer or one of the descriptors can go on, the alarm rings or the time is up.
  func wait(milliseconds: Int, reading: [Int32], writing: [Int32]) {
    var others =
      reading.map { curl_waitfd(fd: $0, events: Int16(CURL_WAIT_POLLIN), revents: 0) }
      + writing.map { curl_waitfd(fd: $0, events: Int16(CURL_WAIT_POLLOUT), revents: 0) }
    let count = UInt32(others.count)
    unsafe ledger_curl_multi_poll(alarm.multi, &others, count, Int32(clamping: milliseconds), nil)
  }

  /// Whether the alarm was rung since this was asked before.
  func takeAlarm() -> Bool { alarm.isRung.exchange(false, ordering: .acquiring) }
}
