import Bytes
import Dispatching
import Events
import Platform

/// Hands notices to a program, a line of JSON each, and takes a line back for each (`FORMAT.md`
/// §19): a channel in any language.
struct CommandChannel: Channel {
  let identity: ChannelIdentity
  let settings: CommandSettings

  init(identity: ChannelIdentity, _ settings: CommandSettings) {
    self.identity = identity
    self.settings = settings
  }

  /// Starts the command, closes its input and looks how it ends.
  func check() -> ChannelTrial {
    do {
      switch try CoProcess(settings.command).finish() {
      case .exited(0): return .works
      case .exited(let status): return .fails("it ended with status \(status)")
      case .killed(let signal): return .fails("signal \(signal) ended it")
      case .timedOut, .tooMuch: return .fails("it didn't end when its input was closed")
      }
    } catch {
      return .fails("it can't be started")
    }
  }
}

/// What a command answers of a message: one line.
struct CommandAnswerLine: Hashable {
  let attempt: EventID
  let outcome: AttemptOutcome

  /// The longest line, its newline left out.
  static let limit = 64 << 10

  private static let keys = [
    "attempt", "code", "detail", "evidence", "occurred_at", "outcome", "provider_id", "retryable",
  ]

  init(parsing line: [UInt8]) throws(RequestError) {
    let reading = FieldReading(try JSON.document(line), at: "")
    try reading.allowOnly(Self.keys)
    let id = try reading.string("attempt")
    guard let attempt = EventID(id), String(attempt) == id else {
      throw reading.failure(
        "attempt", .badValue(found: nil, expected: .described("the attempt's id, as it was given")))
    }
    self.attempt = attempt
    let word = try reading.string("outcome")
    if word == "unknown" {
      try reading.allowOnly(["attempt", "outcome"])
      outcome = .unknown(.timeout)
      return
    }
    guard let said = OutcomeClass(rawValue: word) else {
      let words = OutcomeClass.allCases.map(\.rawValue) + ["unknown"]
      throw reading.failure("outcome", .badValue(found: nil, expected: .oneOf(words)))
    }
    let usual: EvidenceStrength =
      switch said {
      case .accepted: .acceptedByProvider
      case .inTransit: .handedOver
      case .delivered: .confirmedByCarrier
      case .undelivered, .failed, .expired, .cancelled: .none
      }
    // Stronger evidence is a person's, and no channel gives it.
    let evidence = try reading.whole("evidence", 0...3).flatMap(EvidenceStrength.init(rawValue:))
    var report = ChannelReport(outcome: said, evidence: evidence ?? usual)
    report.code = try reading.optionalPrintable("code", limit: 128)
    report.providerID = try reading.optionalPrintable("provider_id", limit: 256)
    report.detail = try reading.optionalPrintable("detail", limit: 4_096)
    if reading.object["retryable"] != nil {
      report.isRetryable = try reading.bool("retryable", default: false)
    }
    if reading.object["occurred_at"] != nil {
      guard let time = Instant(text: try reading.string("occurred_at").utf8) else {
        throw reading.failure(
          "occurred_at",
          .badValue(found: nil, expected: .described("a time such as 2026-11-23T17:23:59.123456Z")))
      }
      report.occurredAt = time
    }
    outcome = .reported(report)
  }
}

/// The command of one channel, which is started with the first message, and again when it has
/// ended by itself.
///
/// What it hasn't answered for when it ends, or in time, is unknown: it may have sent it.
final class CommandRunner {
  typealias Ended = (message: OutgoingMessage, outcome: AttemptOutcome)

  private let channel: CommandChannel
  private let code: ChannelCode
  private let log: (SenderNote) -> Void
  private var process: CoProcess?
  private var output: [UInt8] = []
  private var input: [UInt8] = []
  private var waiting: [EventID: (message: OutgoingMessage, deadline: UInt64)] = [:]
  /// How often it has ended by itself since it last answered.
  private var failures = 0
  private var restartsAt: UInt64 = 0

  /// The longest wait before it is started again: 1 s, 2 s, 4 s, up to this.
  private static let greatestDelaySeconds: UInt64 = 60

  init(_ channel: CommandChannel, _ code: ChannelCode, _ log: @escaping (SenderNote) -> Void) {
    self.channel = channel
    self.code = code
    self.log = log
  }

  /// Whether it runs, or may be started.
  func isReady(at time: UInt64) -> Bool { process != nil || time >= restartsAt }

  /// The descriptor that answers come from; `nil`: it doesn't run.
  var readingEnd: Int32? { process?.outputNumber }
  /// The descriptor that messages wait for; `nil`: none waits.
  var writingEnd: Int32? { output.isEmpty ? nil : process?.inputNumber }

  /// How long it is until the next message has waited too long, or `nil`.
  func restMilliseconds(at time: UInt64) -> Int? {
    waiting.values.map(\.deadline).min().map { Int(($0 - min($0, time)) / 1_000_000) + 1 }
  }

  /// Hands it a message.
  ///
  /// - Returns: An outcome where it couldn't be handed over.
  func begin(_ message: OutgoingMessage, at now: Instant) -> AttemptOutcome? {
    let time = SystemClock.monotonicNanoseconds()
    if process == nil {
      guard isReady(at: time) else { return Self.failure("command-down") }
      do { process = try CoProcess(channel.settings.command) } catch {
        delayRestart(at: time)
        return Self.failure("command-not-started")
      }
    }
    let span = UInt64(channel.settings.pace.totalMilliseconds) * 1_000_000
    waiting[message.attempt] = (message, time + span)
    output += message.commandLine(at: now)
    return nil
  }

  private static func failure(_ code: String) -> AttemptOutcome {
    .reported(ChannelReport(outcome: .failed, evidence: .none, code: code, isRetryable: true))
  }

  /// Writes and reads what can be without waiting.
  ///
  /// - Returns: The messages whose outcome is known now, or will never be.
  func advance(at time: UInt64) -> [Ended] {
    guard let process else { return [] }
    var ended: [Ended] = []
    var isAlive = true
    if !output.isEmpty {
      if let count = process.write(output[...]) {
        output.removeFirst(count)
      } else {
        isAlive = false
      }
    }
    while isAlive || input.isEmpty {
      guard let bytes = process.read() else {
        isAlive = false
        break
      }
      if bytes.isEmpty { break }
      input += bytes
      ended += takeLines()
      if input.count > CommandAnswerLine.limit {
        log(.badAnswer(code, "a line of more than \(CommandAnswerLine.limit) bytes"))
        isAlive = false
        break
      }
    }
    if !isAlive { return ended + giveUp(at: time) }
    let late = waiting.values.filter { $0.deadline <= time }.map(\.message)
    for message in late { waiting[message.attempt] = nil }
    return ended + late.sorted { $0.attempt < $1.attempt }.map { ($0, .unknown(.timeout)) }
  }

  private func takeLines() -> [Ended] {
    var ended: [Ended] = []
    var start = 0
    while let end = input[start...].firstIndex(of: UInt8(ascii: "\n")) {
      do {
        let answer = try CommandAnswerLine(parsing: Array(input[start..<end]))
        if let (message, _) = waiting.removeValue(forKey: answer.attempt) {
          ended.append((message, answer.outcome))
          failures = 0
        } else {
          log(.badAnswer(code, "an answer for attempt \(answer.attempt), which waits for none"))
        }
      } catch {
        log(.badAnswer(code, "a line that is no answer: \(error.text)"))
      }
      start = end + 1
    }
    input.removeFirst(start)
    return ended
  }

  private func giveUp(at time: UInt64) -> [Ended] {
    let lost = waiting.values.map(\.message).sorted { $0.attempt < $1.attempt }
    log(.commandEnded(code, unanswered: lost.count))
    process = nil
    (output, input, waiting) = ([], [], [:])
    delayRestart(at: time)
    return lost.map { ($0, .unknown(.timeout)) }
  }

  private func delayRestart(at time: UInt64) {
    let seconds = min(UInt64(1) << UInt64(min(failures, 6)), Self.greatestDelaySeconds)
    failures += 1
    restartsAt = time + seconds * 1_000_000_000
  }
}

extension OutgoingMessage {
  /// What a command is handed: one line.
  fileprivate func commandLine(at now: Instant) -> [UInt8] {
    let line: JSON = [
      "address": .string(address), "attempt": .string(String(attempt)),
      "message_id": .string(messageID), "notice": notice(at: now), "v": 1,
    ]
    return line.canonicalBytes + [UInt8(ascii: "\n")]
  }
}
