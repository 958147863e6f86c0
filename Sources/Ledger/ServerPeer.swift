import Bytes
import Platform

/// One connection of a server.
final class ServerPeer {
  /// What the peer asked, whole.
  enum Input {
    case message(ServerMessage)
    /// Nothing whole has come yet.
    case incomplete
    /// It isn't what a client says, or the other end is gone.
    case ended
  }

  private let socket: LocalConnection
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var written = 0
  /// Since when a message is on its way in or out, on the monotonic clock.
  private(set) var busySince: UInt64?
  /// When something was last said.
  private(set) var lastActive = SystemClock.monotonicNanoseconds()
  /// Who asks; `nil` before it has said hello.
  var actor: String?
  /// A question that waits for its answer, and up to when.
  var question: (message: ServerMessage, patience: Patience)?
  var isEnded = false

  init(_ socket: LocalConnection) { self.socket = socket }

  var user: UInt32 { socket.peer.user }
  /// Whether something is still to be written.
  var isWriting: Bool { written < output.count }
  /// Whether nothing of it is on its way or waits.
  var isIdle: Bool { question == nil && input.isEmpty && !isWriting }

  func isOld(milliseconds: UInt64) -> Bool {
    SystemClock.monotonicNanoseconds() - lastActive > milliseconds * 1_000_000
  }

  func watch(in sockets: inout SocketPoll) -> Int {
    isWriting ? sockets.watchToWrite(socket) : sockets.watchToRead(socket)
  }

  /// Takes what has come, up to one message of at most `limit` bytes; nothing is allocated for what
  /// was only announced.
  func read(limit: Int) -> Input {
    while true {
      switch ServerMessage.take(from: &input, limit: limit) {
      case .message(let message):
        busySince = nil
        return .message(message)
      case .malformed: return .ended
      case .incomplete: break
      }
      switch socket.read(appendingTo: &input, limit: 16_384) {
      case .bytes:
        lastActive = SystemClock.monotonicNanoseconds()
        busySince = busySince ?? lastActive
      case .notNow: return .incomplete
      case .ended: return .ended
      }
    }
  }

  func send(_ message: ServerMessage) {
    if !isWriting {
      output = []
      written = 0
    }
    output += message.encoded
    flush()
  }

  /// Writes what can be written now.
  func flush() {
    while isWriting {
      switch socket.write(output[written...]) {
      case .bytes(let count): written += count
      case .notNow:
        busySince = busySince ?? SystemClock.monotonicNanoseconds()
        return
      case .ended:
        isEnded = true
        return
      }
    }
    lastActive = SystemClock.monotonicNanoseconds()
    busySince = nil
  }
}
