package import Bytes
package import Dispatching
package import Events
import Platform

/// Sends through all channels that are set up: many messages at once, for one thread that calls.
///
/// An attempt is durable before ``begin(_:)`` and its outcome is recorded after
/// ``finished(waitingMilliseconds:)``; between the two the sender holds all that is known of it.
package final class Sender {
  private let channels: ChannelSet
  private let now: () -> Instant
  private let log: (SenderNote) -> Void
  private let transfers: Transfers
  private let mails: MailTransfers
  private var commands: [ChannelCode: CommandRunner] = [:]
  /// Messages that were begun and whose ends weren't fetched, by channel.
  private var underway: [ChannelCode: Int] = [:]
  private var buckets: [ChannelCode: TokenBucket] = [:]
  /// What channels that answer at once have answered, and have to make sure of.
  private var unsettled: [(message: OutgoingMessage, outcome: AttemptOutcome)] = []
  /// Until when a server asked not to be asked again, in nanoseconds of the monotonic clock.
  private var pauses: [Pause: UInt64] = [:]
  private var trialEnd: NetworkEnd?
  private var done: [(code: ChannelCode, finished: Finished)] = []

  /// One that has come to its end.
  package typealias Finished = (attempt: EventID, outcome: AttemptOutcome)

  /// What a server's wish to be left alone for a while covers.
  private enum Pause: Hashable {
    case channel(ChannelCode)
    case host(String)
  }

  /// How many answers of channels that answer at once may wait to be recorded.
  private static let directAtOnce = 32
  /// How long after one end others are waited for: about what recording them costs by itself.
  private static let gatheringNanoseconds: UInt64 = 1_000_000
  /// The furthest into the future that a server's wish is recorded: a week.
  private static let longestAskedSeconds: Int64 = 604_800
  /// The longest that a server is left alone because it asks for it.
  private static let longestPauseSeconds: Int64 = 60

  /// - Parameter now: The time of day, for dates and deadlines.
  package init(
    _ channels: ChannelSet, now: @escaping () -> Instant = SystemClock.now,
    log: @escaping (SenderNote) -> Void = { _ in }
  ) {
    self.channels = channels
    self.now = now
    self.log = log
    var connections = 0
    for (code, channel) in channels.channels {
      if let network = channel as? any NetworkChannel { connections += network.pace.concurrency }
      if let command = channel as? CommandChannel {
        commands[code] = CommandRunner(command, code, log)
      }
    }
    transfers = Transfers(connections: connections)
    mails = MailTransfers(transfers.alarm)
  }

  /// How many messages are on their way, or have come to an end that wasn't fetched yet.
  package var inFlight: Int { underway.values.reduce(0, +) }

  /// How many more messages the channel takes now, by its bound on those underway and its limit a
  /// second; 0 where it isn't set up, or asked for a pause.
  package func room(on code: ChannelCode) -> Int {
    guard let channel = channels[code] else { return 0 }
    let time = SystemClock.monotonicNanoseconds()
    if let until = pauses[.channel(code)], time < until { return 0 }
    if let command = commands[code], !command.isReady(at: time) { return 0 }
    let pace = pace(of: channel)
    let free = (pace?.concurrency ?? Self.directAtOnce) - underway[code, default: 0]
    guard let limit = pace?.perSecond else { return max(0, free) }
    var bucket = buckets[code] ?? TokenBucket(perSecond: limit, now: time)
    let available = bucket.available(at: time)
    buckets[code] = bucket
    return max(0, min(free, available))
  }

  /// Begins to send one message, whose attempt is durable.
  ///
  /// Never waits for the network. A message over ``room(on:)`` is begun all the same.
  package func begin(_ message: OutgoingMessage) {
    underway[message.channel, default: 0] += 1
    buckets[message.channel]?.take(at: SystemClock.monotonicNanoseconds())
    switch channels[message.channel] {
    case let direct as any DirectChannel:
      unsettled.append((message, direct.send(message)))
    case let network as any NetworkChannel: begin(message, network)
    case is CommandChannel:
      if let outcome = commands[message.channel]?.begin(message, at: now()) {
        finish(message, outcome)
      }
    default: finish(message, Unsendable(code: "no-channel").outcome)
    }
  }

  private func begin(_ message: OutgoingMessage, _ channel: any NetworkChannel) {
    do {
      let request = try channel.request(for: message, at: now())
      let time = SystemClock.monotonicNanoseconds()
      if let host = WebAddress(request.url)?.host, let until = pauses[.host(host)], time < until {
        // Nothing was said, and another try may help: it comes after the pause.
        finish(
          message,
          .reported(
            ChannelReport(
              outcome: .failed, evidence: .none, code: "retry-after", isRetryable: true,
              retryAfter: now().adding(milliseconds: Int64(until - time) / 1_000_000))))
        return
      }
      if let sms = channel as? SMSChannel { log(.segments(message.attempt, sms.segments(message))) }
      begin(request, for: .message(message))
    } catch {
      finish(message, error.outcome)
    }
  }

  private func begin(_ request: NetworkRequest, for ticket: Ticket) {
    switch request.action {
    case .mail, .greet: mails.begin(request, for: ticket)
    case .post, .get: transfers.begin(request, for: ticket)
    }
  }

  /// Waits until a message has come to its end, the alarm rings or the time is up.
  ///
  /// Those that end within a millisecond after the first one are waited for, too: whoever records
  /// them records them together.
  ///
  /// - Returns: All that came to their ends since the last call, each once.
  package func finished(waitingMilliseconds: Int) -> [Finished] {
    let start = SystemClock.monotonicNanoseconds()
    var span = UInt64(min(max(0, waitingMilliseconds), 86_400_000)) * 1_000_000
    var isGathering = false
    while true {
      advance()
      let passed = SystemClock.monotonicNanoseconds() - start
      if !done.isEmpty, !isGathering {
        isGathering = true
        span = min(span, passed + Self.gatheringNanoseconds)
      }
      if transfers.takeAlarm() || done.count >= inFlight && !done.isEmpty || passed >= span {
        break
      }
      var rest = isGathering ? 1 : Int((span - passed) / 1_000_000) + 1
      for command in commands.values {
        rest = min(rest, command.restMilliseconds(at: start + passed) ?? rest)
      }
      transfers.wait(
        milliseconds: rest, reading: commands.values.compactMap(\.readingEnd),
        writing: commands.values.compactMap(\.writingEnd))
    }
    for (code, _) in done { underway[code, default: 1] -= 1 }
    defer { done = [] }
    return done.map(\.finished)
  }

  /// Makes ``finished(waitingMilliseconds:)`` return soon.
  package func wakeUp() { transfers.alarm.ring() }

  /// What other threads may wake the sender by.
  package var alarm: SenderAlarm { transfers.alarm }

  // MARK: - Ends

  /// Ends what channels have answered at once, in the order in which it was begun.
  private func settleDirect() {
    if unsettled.isEmpty { return }
    var instead: [EventID: AttemptOutcome] = [:]
    for code in channels.codes where unsettled.contains(where: { $0.message.channel == code }) {
      guard let direct = channels[code] as? any DirectChannel else { continue }
      instead.merge(direct.settle()) { first, _ in first }
    }
    for (message, outcome) in unsettled { finish(message, instead[message.attempt] ?? outcome) }
    unsettled = []
  }

  private func advance() {
    settleDirect()
    for (transfer, end) in transfers.advance() + mails.takeEnded() {
      guard case .message(let message) = transfer.ticket,
        let channel = channels[message.channel] as? any NetworkChannel
      else {
        trialEnd = end
        continue
      }
      pause(after: end, transfer.request, message.channel, channel)
      finish(message, asked(channel.outcome(of: end), after: end.retryAfterSeconds))
    }
    for command in commands.values {
      for (message, outcome) in command.advance(at: SystemClock.monotonicNanoseconds()) {
        finish(message, outcome)
      }
    }
  }

  /// What came of a message, with when its server will listen again, where it has said so.
  private func asked(_ outcome: AttemptOutcome, after seconds: Int64) -> AttemptOutcome {
    guard case .reported(var report) = outcome, report.isRetryable == true, seconds > 0 else {
      return outcome
    }
    report.retryAfter = now().adding(seconds: min(seconds, Self.longestAskedSeconds))
    return .reported(report)
  }

  private func pause(
    after end: NetworkEnd, _ request: NetworkRequest, _ code: ChannelCode,
    _ channel: any NetworkChannel
  ) {
    guard end.retryAfterSeconds > 0 else { return }
    let seconds = UInt64(min(end.retryAfterSeconds, Self.longestPauseSeconds))
    let until = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
    // Of a provider the whole channel is meant, of a user's own server that one.
    if channel is SMSChannel {
      pauses[.channel(code)] = until
    } else if let host = WebAddress(request.url)?.host {
      if pauses.count >= 10_000 { pauses = [:] }
      pauses[.host(host)] = until
    }
  }

  private func finish(_ message: OutgoingMessage, _ outcome: AttemptOutcome) {
    done.append((message.channel, (message.attempt, outcome)))
  }

  private func pace(of channel: any Channel) -> ChannelPace? {
    switch channel {
    case let network as any NetworkChannel: network.pace
    case let command as CommandChannel: command.settings.pace
    default: nil
    }
  }

  // MARK: - Trials

  /// Tries whether a channel can be used, without sending anything.
  package func check(_ code: ChannelCode) -> ChannelTrial {
    switch channels[code] {
    case let network as any NetworkChannel:
      guard let request = network.trial else { return .nothingToTry }
      trialEnd = nil
      begin(request, for: .trial)
      while true {
        advance()
        if let end = trialEnd {
          let isGood = end.course == .answered && (200..<300).contains(end.status)
          return isGood ? .works : .fails(end.trialText)
        }
        transfers.wait(milliseconds: 1_000, reading: [], writing: [])
      }
    case let command as CommandChannel: return command.check()
    case nil, .some: return .nothingToTry
    }
  }
}

/// What trying a channel came to.
package enum ChannelTrial: Hashable, Sendable {
  case works
  /// The words say how far it came.
  case fails(String)
  /// The channel has nothing that could be tried without sending.
  case nothingToTry
}

/// What happens while sending that no event tells.
package enum SenderNote: Hashable, Sendable {
  /// The text of an SMS is sent, and paid for, in so many parts.
  case segments(EventID, Int)
  /// A command's line isn't an answer; the words say why.
  case badAnswer(ChannelCode, String)
  /// A command has ended by itself, with so many messages that it hasn't answered for.
  case commandEnded(ChannelCode, unanswered: Int)

  /// The note in words.
  package var text: String {
    switch self {
    case .segments(let attempt, let count): "attempt \(attempt) is an SMS of \(count) segments"
    case .badAnswer(let code, let words): "the command of channel '\(code.text)' wrote \(words)"
    case .commandEnded(let code, let count):
      "the command of channel '\(code.text)' has ended with \(count) messages unanswered"
    }
  }
}

extension NetworkEnd {
  /// How far a trial came, in words.
  fileprivate var trialText: String {
    let how = course.code ?? "answered"
    if !reply.isEmpty { return "\(how): \(reply)" }
    return status == 0 ? how : "\(how): HTTP status \(status)"
  }
}
