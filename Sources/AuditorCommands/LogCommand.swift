import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Platform
import Presentation

enum LogCommand {
  static let fields = Option(
    "fields", "LIST", .fieldList,
    help: "Print only these fields, tab-separated: id,time,data.user_id")
  static let cursorFile = Option(
    "cursor-file", "FILE", .text, help: "Go on after what FILE says was read, and keep it there")
  static let follow = Option(
    flag: "follow", short: "f", help: "Wait for more events, until stopped by SIGINT or SIGTERM")
  static let entry = AuditorCommand(
    "log", "Print events in the order of the log",
    details: """
      With --json each stored line is printed as it stands: the bytes that were hashed. Only durable
      events are told.

      \(EventFilter.details)

      --fields names attributes of the envelope, and data and what is in it: data.user_id, or
      data.recipients.0.user_id by place in a list. A field that isn't there is printed as -, a text
      as it is, a sealed one as [sealed], anything else as JSON. With --json an event is an object
      of those that are there.

      --cursor-file keeps what was read, whether it passed the filters or not, once it was printed:
      the next event's id, and size and root of the ledger with the commit before it. An event may
      so be printed twice after a crash, and never not at all. FILE is made where it is missing, and
      replaced in one step. A FILE of another ledger is refused with 65, and one that has read
      more than the log holds, or another history, with 4: then events were lost or replaced.
      """,
    examples: [
      Example("ledger-audit log --type notification.", "All that was tried"),
      Example("ledger-audit log --dispatch 0192a7 --json | jq .", "The stored lines"),
      Example("ledger-audit log --user u-7 --since yesterday --test exclude", "In earnest"),
      Example("ledger-audit log -f --cursor-file seen --json", "All that comes, each once"),
    ], takes: EventFilter.options + [fields, cursorFile, follow], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try AuditedLedger(invocation)
    // What the file is to remember has to have been printed, not held back for a pager.
    if invocation[follow] || invocation[cursorFile] != nil { try session.stopPaging() }
    var reader = try ledger.reader()
    var run = LogRun(
      filter: EventFilter(invocation, now: world.now()), fields: invocation[fields])
    var cursor: LogCursorFile?
    if let path = invocation[cursorFile] {
      let opened = try LogCursorFile.open(path, ledger.identity, reader)
      cursor = opened.file
      run.start(at: opened.position)
    }
    if !invocation[follow], cursor == nil, try run.printStream(reader, &session) { return .done }
    if invocation[follow] || cursor != nil {
      do { try StopRequest.listen() } catch { throw CommandFailure(file: error) }
    }
    do throws(CommandFailure) {
      while true {
        while try run.print(reader, upTo: 4_096, &session) {
          if try isToldToStop(run, &cursor, &session) { return .done }
        }
        if try isToldToStop(run, &cursor, &session) || run.isOver { return .done }
        guard invocation[follow], wait() else { return .done }
        reader = try ledger.reader()
      }
    } catch {
      // Who follows ends it by going away, too.
      if invocation[follow], error == .readerIsGone { return .done }
      throw error
    }
  }

  /// Hands over what was printed, then remembers it.
  ///
  /// - Returns: Whether somebody asked for an end meanwhile.
  private static func isToldToStop(
    _ run: LogRun, _ cursor: inout LogCursorFile?, _ session: inout Session
  ) throws(CommandFailure) -> Bool {
    try session.flush()
    try cursor?.write(run.position)
    return StopRequest.isMade
  }

  /// Waits a little for more.
  ///
  /// - Returns: False where it is time to end.
  private static func wait() -> Bool {
    !StopRequest.wait(milliseconds: 200) && !StandardStream.output.isReaderGone
  }
}

/// Where a reader of the log stands, at the end of what it has printed.
struct LogRunPosition {
  /// The next event to read.
  var next: EventID
  /// The commit that holds the event before it.
  var commit: CommitLine?
}

/// Prints the events of a log, part by part.
struct LogRun {
  private var filter: EventFilter
  private let fields: [FieldPath]?
  private(set) var position = LogRunPosition(next: 0)
  /// The next event that may be printed; those before it are only looked at.
  private var start: EventID
  /// Where reading goes on.
  private var hint: LogPosition?
  private let ids: Range<EventID>

  /// Begins with the filter's first event.
  init(filter: EventFilter, fields: [FieldPath]?) {
    self.filter = filter
    self.fields = fields
    ids = filter.ids
    start = filter.ids.lowerBound
    if !filter.needsHistory { position.next = start }
  }

  /// Prints nothing before an event.
  mutating func start(at next: LogRunPosition) {
    start = max(start, next.next)
    position.commit = next.commit
    if !filter.needsHistory { position.next = start }
  }

  /// Whether no later event can pass.
  var isOver: Bool { position.next >= ids.upperBound }

  /// Prints all events that pass, where they are of one stream, without reading others'.
  ///
  /// - Returns: False where nothing was printed and the log has to be read.
  mutating func printStream(
    _ reader: LogReader, _ session: inout Session
  ) throws(CommandFailure) -> Bool {
    // Events before the first one may be archived, and aren't asked for.
    guard let stream = filter.stream, reader.first == 0 else { return false }
    var streams = StreamReader(reader)
    let events: [StoredEvent]
    do { events = try streams.events(about: stream.text) } catch {
      throw CommandFailure(.log(error))
    }
    for stored in events where ids.contains(stored.id) { try printIfAdmitted(stored, &session) }
    return true
  }

  private mutating func printIfAdmitted(
    _ stored: StoredEvent, _ session: inout Session
  ) throws(CommandFailure) {
    do {
      let envelope = try Envelope(decoding: stored.line)
      if try filter.admits(envelope), stored.id >= start {
        try print(stored.line, envelope, &session)
      }
    } catch let error as EventError {
      throw CommandFailure(.unreadableEvent(stored.id, error))
    } catch let error as CommandFailure {
      throw error
    } catch {
      throw CommandFailure(.ourBug, "\(error)")
    }
  }

  /// Reads at most so many events, and prints those that pass.
  ///
  /// - Returns: Whether more of them may stand there already.
  mutating func print(
    _ reader: LogReader, upTo count: Int, _ session: inout Session
  ) throws(CommandFailure) -> Bool {
    var cursor = reader.events(from: position.next, to: ids.upperBound, hint: hint)
    for _ in 0..<count {
      let stored: StoredEvent?
      do { stored = try cursor.read() } catch { throw CommandFailure(.log(error)) }
      guard let stored else { return false }
      try printIfAdmitted(stored, &session)
      position = LogRunPosition(next: stored.id + 1, commit: stored.commit)
      if position.next == stored.commit.end { hint = stored.commitEnd }
    }
    return true
  }

  private func print(
    _ line: [UInt8], _ envelope: Envelope, _ session: inout Session
  ) throws(CommandFailure) {
    if let fields {
      try session.write(FieldPath.line(of: fields, from: line, asJSON: session.wantsJSON))
    } else if session.wantsJSON {
      try session.write(line + [UInt8(ascii: "\n")])
    } else {
      try session.print(
        "\(envelope.id) \(envelope.time.text) \(envelope.type) \(envelope.subject)")
    }
  }
}
