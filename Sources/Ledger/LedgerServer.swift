import Bytes
import Dispatching
import EventLog
import Events
import Merkle
import Platform
import Views

/// Holds a ledger's writer's lock, and does for others on a socket what they would do under it.
///
/// One thread reads what has come, decides it, makes it durable with one sync, and answers; what comes
/// meanwhile waits in the sockets for the next one. Nothing is answered before it is durable.
package final class LedgerServer {
  private let ledger: Ledger
  private let group: CommitGroup
  private let place: ServerPlace
  private let describe: (LedgerError) -> (status: Int32, message: String)
  private let since: Instant
  private var peers: [ServerPeer] = []
  /// Who waits for an answer, in the order in which they asked.
  private var queue: [ServerPeer] = []
  /// Who has the turn, and up to when.
  private var lent: (peer: ServerPeer, patience: Patience)?
  private let signing: BackgroundSigning
  private var sockets = SocketPoll()
  /// Whether something was appended since the head was synced and the views were committed.
  private var isUnsettled = false
  private var isStopping = false

  /// Connections at once.
  package static let mostPeers = 256
  /// How long a message may take from its first byte to its last, in and out.
  private static let messageNanoseconds: UInt64 = 10_000_000_000
  /// How long somebody may have the turn without appending.
  package static let turnMilliseconds = 10_000
  /// After so long without a question, what can wait is done.
  private static let idleMilliseconds = 20
  /// How long those who ask too late are told so.
  private static let farewellMilliseconds = 1_000
  /// The most calls that share a sync.
  private static let mostCalls = 256

  /// Takes the lock and begins to listen.
  ///
  /// - Parameters:
  ///   - path: Where to listen; `nil` for the usual place in the ledger.
  ///   - describe: The exit status and the words for what a call comes to.
  /// - Throws: `.serverHolds`, `.locked`; `.file` where the socket can't be made.
  package init(
    _ ledger: Ledger, at path: String?,
    describe: @escaping (LedgerError) -> (status: Int32, message: String)
  ) throws(LedgerError) {
    group = try CommitGroup(ledger)
    place = try ServerPlace(of: ledger.path, at: path)
    self.ledger = ledger
    self.describe = describe
    since = ledger.surroundings.now()
    signing = BackgroundSigning(ledger.path)
    sockets.watchStopRequest()
  }

  /// Where it listens.
  package var path: String { place.listener.path }

  /// Serves until the process is asked to stop; what was accepted is finished, and the ledger is left as
  /// one that nobody has open.
  ///
  /// - Parameter warn: Told what can't be told to anybody who asks.
  /// - Throws: `.log` where the writer has failed: all who waited know it.
  package func run(warn: (LedgerError) -> Void) throws(LedgerError) {
    while !(isStopping && queue.isEmpty && lent == nil) {
      if StopRequest.isMade, !isStopping {
        isStopping = true
        place.withdraw()
      }
      wait()
      expire()
      serveNext()
      if let failure = group.failure {
        place.withdraw()
        sayFarewell()
        throw .log(failure)
      }
      if let failure = signing.takeFailure() { warn(failure) }
    }
    do throws(LedgerError) { try group.close() } catch {
      sayFarewell()
      throw error
    }
    sayFarewell()
  }

  // MARK: - Waiting

  /// Waits for whatever comes first, and takes in all that has come.
  private func wait() {
    sockets.removeAll()
    let room = peers.count < Self.mostPeers || hasIdlePeer
    let listening = room && !isStopping ? sockets.watch(place.listener) : nil
    // Who waits for an answer says nothing before it.
    let watched = peers.filter { $0.question == nil || $0.isWriting }
    let indices = watched.map { $0.watch(in: &sockets) }
    if !isStopping { sockets.watchStopRequest() }
    sockets.wait(milliseconds: waitMilliseconds)
    var hasCome = false
    for (peer, index) in zip(watched, indices) where sockets.isReady(index) {
      hasCome = true
      if peer.isWriting { peer.flush() } else { read(peer) }
    }
    if let listening, sockets.isReady(listening) {
      hasCome = true
      takeIn()
    }
    if !hasCome, queue.isEmpty, lent == nil { settleIdle() }
    removeEnded()
  }

  private var waitMilliseconds: Int {
    if !queue.isEmpty && lent == nil { return 0 }
    if isUnsettled && lent == nil { return Self.idleMilliseconds }
    let isTimed = !queue.isEmpty || lent != nil || peers.contains { $0.busySince != nil }
    if isTimed || isStopping { return 50 }
    return signing.waitMilliseconds ?? 1_000
  }

  private func settleIdle() {
    if isUnsettled {
      group.settle(isIdle: true)
      try? group.synchronizeHead()
      isUnsettled = false
    }
    signing.signIfDue(group.head)
  }

  // MARK: - Peers

  private var hasIdlePeer: Bool {
    peers.contains { $0.isIdle && $0 !== lent?.peer && $0.isOld(milliseconds: 1_000) }
  }

  private func takeIn() {
    while let socket = place.listener.accept() {
      let peer = ServerPeer(socket)
      guard peer.user == effectiveUser() else {
        peer.send(
          ServerMessage([
            "answer": "refused", "message": "the ledger is another user's", "status": 77,
          ]))
        continue
      }
      if peers.count >= Self.mostPeers {
        let idle = peers.filter { $0.isIdle && $0 !== lent?.peer }
        guard let oldest = idle.min(by: { $0.lastActive < $1.lastActive }) else { return }
        peers.removeAll { $0 === oldest }
      }
      peers.append(peer)
      // Most have said something already.
      read(peer)
    }
  }

  private func removeEnded() {
    guard peers.contains(where: \.isEnded) else { return }
    peers.removeAll(where: \.isEnded)
    queue.removeAll(where: \.isEnded)
    if let peer = lent?.peer, peer.isEnded { takeBack() }
  }

  private func expire() {
    let now = SystemClock.monotonicNanoseconds()
    for peer in peers {
      if let since = peer.busySince, now - since > Self.messageNanoseconds { peer.isEnded = true }
    }
    for peer in queue where peer.question?.patience.restMilliseconds == 0 {
      peer.question = nil
      peer.send(ServerMessage(["answer": "busy"]))
    }
    queue.removeAll { $0.question == nil }
    if let (peer, patience) = lent, patience.restMilliseconds == 0 { peer.isEnded = true }
    removeEnded()
  }

  private func takeBack() {
    lent = nil
    group.takeBack()
    isUnsettled = true
  }

  // MARK: - Questions

  /// Takes all that a peer has said; what comes behind a question waits for the answer.
  private func read(_ peer: ServerPeer) {
    while !peer.isEnded, peer.question == nil {
      let hasTurn = peer === lent?.peer
      switch peer.read(limit: hasTurn ? ServerMessage.commitLimit : ServerMessage.limit) {
      case .incomplete: return
      case .ended: peer.isEnded = true
      case .message(let message):
        if hasTurn { answerInTurn(message, peer) } else { take(message, from: peer) }
      }
    }
  }

  private func take(_ message: ServerMessage, from peer: ServerPeer) {
    let header = message.header
    let what = header.text("do")
    if what == "hello" {
      greet(peer, header)
      return
    }
    guard peer.actor != nil else {
      peer.isEnded = true
      return
    }
    switch what {
    case "status":
      peer.send(
        ServerMessage([
          "answer": "status", "connections": .integer(Int64(peers.count)),
          "since": .string(since.text), "size": .string(String(group.durable.size)),
          "waiting": .integer(Int64(queue.count)),
        ]))
    case "call", "turn":
      if isStopping {
        peer.send(ServerMessage(["answer": "stopping"]))
        return
      }
      // Who doesn't want to wait is served where nobody else is.
      let wait = min(max(100, header.number("wait") ?? 0), 3_600_000)
      peer.question = (message, Patience(milliseconds: wait))
      queue.append(peer)
    // Somebody's turn was over before it has said so.
    case "end": break
    default: peer.isEnded = true
    }
  }

  private func greet(_ peer: ServerPeer, _ header: JSONObject) {
    guard header.number("v") == Int(ServerMessage.version) else {
      peer.send(
        ServerMessage([
          "answer": "refused", "message": "another version is spoken here", "status": 69,
          "v": .integer(ServerMessage.version),
        ]))
      peer.isEnded = true
      return
    }
    let actor = header.text("actor") ?? actor(ofUser: peer.user)
    peer.actor = actor
    peer.send(
      ServerMessage([
        "actor": .string(actor), "answer": "hello",
        "ledger_id": .string(ledger.identity.id.hex), "v": .integer(ServerMessage.version),
      ]))
  }

  /// Does what the first in the queue waits for, and all calls behind it up to the next turn.
  private func serveNext() {
    guard lent == nil, let first = queue.first else { return }
    if first.question?.message.header.text("do") == "turn" {
      queue.removeFirst()
      lend(to: first)
      return
    }
    let asking = queue.prefix(Self.mostCalls).prefix {
      $0.question?.message.header.text("do") == "call"
    }
    queue.removeFirst(asking.count)
    var calls: [(peer: ServerPeer, call: GroupedCall)] = []
    for peer in asking {
      guard let message = peer.question?.message else { continue }
      peer.question = nil
      do throws(LedgerError) {
        calls.append((peer, try Self.call(message, actor: peer.actor ?? "")))
      } catch {
        peer.send(refusal(error))
      }
    }
    let answers = group.perform(calls.map(\.call))
    for (call, answer) in zip(calls, answers) { call.peer.send(message(answer)) }
    group.settle(isIdle: false)
    isUnsettled = true
    signing.note()
    signing.signIfLate(group.head)
  }

  private static func call(
    _ message: ServerMessage, actor: String
  ) throws(LedgerError) -> GroupedCall {
    let header = message.header
    var commands: [Command] = []
    for line in message.splitLines {
      guard let command = try? Command(parsing: line) else { throw .badServer }
      commands.append(command)
    }
    guard let key = header.text("key"), let entries = header.number("entries"), entries > 0,
      !commands.isEmpty, header["expect"] == nil || header.count("expect") != nil
    else { throw .badServer }
    return GroupedCall(
      commands: commands, entries: entries, key: key, expected: header.count("expect"),
      actor: actor)
  }

  private func message(_ answer: GroupedAnswer) -> ServerMessage {
    var header: JSONObject
    switch answer {
    case .done(let batch, let place):
      header = ["answer": "done"]
      if let events = batch.events, let place {
        header.set("first", events.lowerBound)
        header.set("place", place)
      }
      header["root"] = batch.root.map { .string($0.hex) }
      header.set("size", batch.size)
    case .earlier(let row, let entries):
      header = ["answer": "earlier", "entries": .integer(Int64(entries))]
      row.write(to: &header)
    case .failed(let error): return refusal(error)
    }
    header.set("durable", group.durable)
    return ServerMessage(header)
  }

  private func refusal(_ error: LedgerError) -> ServerMessage {
    if case .log(let failure) = error, let message = failure.message { return message }
    let (status, text) = describe(error)
    return ServerMessage([
      "answer": "refused", "message": .string(text), "status": .integer(Int64(status)),
    ])
  }

  // MARK: - Turns

  private func lend(to peer: ServerPeer) {
    peer.question = nil
    let (position, lastTime, frontier) = group.lend()
    lent = (peer, Patience(milliseconds: Self.turnMilliseconds))
    var header: JSONObject = [
      "answer": "turn", "frontier": .array(frontier.hashes.map { .string($0.hex) }),
      "last_time": .string(lastTime.text),
    ]
    header.set("durable", position)
    peer.send(ServerMessage(header))
  }

  private func answerInTurn(_ message: ServerMessage, _ peer: ServerPeer) {
    switch message.header.text("do") {
    case "end": takeBack()
    case "commit":
      do throws(LedgerError) {
        guard let receipt = try group.append(message.splitLines, actor: peer.actor ?? "") else {
          peer.isEnded = true
          return
        }
        var header: JSONObject = ["answer": "committed", "root": .string(receipt.root.hex)]
        header.set("segment", receipt.segment)
        header.set("offset", receipt.bodyOffset)
        header.set("durable", group.durable)
        peer.send(ServerMessage(header))
        extendTurn(peer)
      } catch {
        peer.send(refusal(error))
      }
    case "close-segment":
      do throws(LedgerError) {
        var header: JSONObject = ["answer": "closed", "closed": .bool(try group.closeSegment())]
        header.set("durable", group.durable)
        peer.send(ServerMessage(header))
        extendTurn(peer)
      } catch {
        peer.send(refusal(error))
      }
    default: peer.isEnded = true
    }
  }

  private func extendTurn(_ peer: ServerPeer) {
    signing.note()
    lent = (peer, Patience(milliseconds: Self.turnMilliseconds))
  }

  // MARK: - The end

  /// Tells whoever still asks that nobody serves any more, so that they take the lock themselves.
  private func sayFarewell() {
    isStopping = true
    let patience = Patience(milliseconds: Self.farewellMilliseconds)
    for peer in queue { peer.send(ServerMessage(["answer": "stopping"])) }
    queue = []
    while !peers.isEmpty, patience.restMilliseconds > 0 {
      wait()
      peers.removeAll { $0.isIdle && $0.isOld(milliseconds: 200) }
    }
    peers = []
  }
}
