import Bytes
import Dispatching
import Events
import Testing

/// Every text of every command, replaced by what an attacker would put there: what isn't refused by
/// its path changes no more of a notice than what it is in.
@Suite("A hostile text in any field")
struct HostileFieldTests {
  private static let commands = [
    #"""
    {"command":"import","catalogue":{
      "programs":[{"id":"1","name":"Peak Relief","time_zone":"America/New_York","communication_codes":["sms","email"],
        "lead_time":"PT30M","cancel_deadline":"PT1H","late_notice":"send","unknown_outcome":"hold",
        "event_type_ids":["1"],"attributes":{"market":"PJM"},
        "caps":{"dispatches_per_season":9,"duration_per_dispatch":"PT4H","season":{"from":"06-01","through":"09-30"}},
        "quiet_hours":{"from":"02:00","to":"03:00","what":"defer","reason":"tariff"},
        "escalation":{"acknowledgements":1,"within":"PT5M","user_ids":["u-2"]}}],
      "event_types":[{"id":"1","name":"Emergency","user_group_ids":["g"]}],
      "user_groups":[{"id":"g","name":"G"}],
      "users":[{"id":"u-1","name":"Ana","user_group_ids":["g"],"program_ids":["1"],"language":"en",
          "time_zone":"Europe/Berlin","opt_outs":[{"channel":"console","program_id":"1"}],
          "contacts":{"sms":"+15551230001","email":"ana@example.com"}},
        {"id":"u-2","name":"Bo","user_group_ids":["g"],"contacts":{"email":"bo@example.com"}}],
      "templates":[{"id":"t","program_id":"1","event_type_id":"1","channel":"sms","language":"en",
        "kinds":["start"],"subject":"{{mark}}: {{program}}","body":"{{mark}} {{program}} {{zone}}"}],
      "rules":[{"id":"r","program_id":"1","if":"a <= 1 MW","for":"PT5M","request":{"event_type_id":"1"}}]}}
    """#,
    #"""
    {"command":"dispatch","request":{"start_time":"2026-07-01T18:00:00Z","end_time":"2026-07-01T19:00:00Z",
      "program_id":"1","event_type_id":"1","note":"n","attributes":{"feeder":"12"}}}
    """#,
    #"{"command":"modify","dispatch_id":"d-1","reason":"because","end_time":"2026-07-01T20:00:00Z"}"#,
    #"{"command":"acknowledge","dispatch_id":"d-1","user_id":"u-1","opt":"in","at":"2026-07-01T12:00:00Z"}"#,
    #"{"command":"observe","signal":"a","value":"2","unit":"MW"}"#,
    #"{"command":"result","provider_id":"SM1","outcome":"delivered","code":"1","detail":"250 ok"}"#,
    #"{"command":"opt-out","user_id":"u-1","channel":"email","program_id":"1","reason":"STOP"}"#,
    #"{"command":"withdraw","user_id":"u-1","program_id":"1","reason":"moved"}"#,
    #"{"command":"correct","event":"1","reason":"a typing error"}"#,
    #"{"command":"retire","kind":"event-type","id":"1","reason":"replaced"}"#,
    #"{"command":"cancel","dispatch_id":"d-1","reason":"because"}"#,
  ]

  private static let hostile = [
    "x\r\nBcc: y@example.com\r\n\r\nz", "x\n", "\r", "\u{0}", "\u{1B}[2J\u{7}",
    "\u{202E}gnp.exe\u{2066}",
    "\u{85}\u{2028}\u{2029}", "\u{FEFF}\u{200B}",
    "{{program}} {{{dispatch_id}}} {{#is_test}}TEST{{/is_test}}",
    "=cmd|' /C calc'!A0", String(repeating: "ä", count: 50_000), "", " ", "../../x", "TEST LATE",
  ]

  /// All places where a text stands.
  private func places(_ json: JSON, _ path: [Place] = []) -> [[Place]] {
    switch json {
    case .object(let object):
      object.members.flatMap { places($0.value, path + [.key($0.key)]) }
    case .array(let list): list.enumerated().flatMap { places($1, path + [.index($0)]) }
    case .string: path == [.key("command")] ? [] : [path]
    case .integer, .bool, .null: []
    }
  }

  private enum Place: Equatable {
    case key(String)
    case index(Int)
  }

  private func replacing(_ json: JSON, _ path: ArraySlice<Place>, _ text: String) -> JSON {
    switch (json, path.first) {
    case (.object(var object), .key(let key)?):
      object[key] = object[key].map { replacing($0, path.dropFirst(), text) }
      return .object(object)
    case (.array(var list), .index(let index)?):
      list[index] = replacing(list[index], path.dropFirst(), text)
      return .array(list)
    default: return .string(text)
    }
  }

  /// The notices that are due after the commands, on each channel, and how many lines each has.
  private func check(_ world: World, _ what: String) throws {
    for notice in try world.decider.planNotices(limit: 99, canSend: { _ in true }).attempts {
      let (subject, body) = (notice.text.subject, notice.text.body)
      #expect(isPrintable(subject, limit: 2_048), "\(what)")
      let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count <= 8 && body.utf8.count <= NoticeTemplate.outputLimit, "\(what)")
      for line in lines.dropLast() { #expect(isPrintable(String(line), limit: 2_048), "\(what)") }
      // No word of a name's makes a drill of it, or takes that away.
      #expect(subject.hasPrefix("REAL"), "\(what)")
      #expect(!body.contains("Bcc: y@example.com\n"), "\(what)")
    }
  }

  @Test("is refused by its path, or harmless in all that is sent", arguments: commands.indices)
  func fields(of index: Int) throws {
    var before = try World()
    for command in Self.commands.prefix(index) {
      guard case .accepted = try before.perform(command) else {
        Issue.record("the example itself is refused: \(command)")
        return
      }
    }
    let example = try JSON(parsing: Array(Self.commands[index].utf8))
    let places = places(example)
    var (refused, taken) = (0, 0)
    for place in places {
      for text in Self.hostile {
        let line = replacing(example, place[...], text).canonicalBytes
        let what = "\(place) \(text.prefix(20).debugDescription)"
        var world = before
        do {
          let command = try Command(parsing: line)
          try world.record(try world.decider.decide(command).drafts)
          taken += 1
        } catch let error as RequestError {
          // A text that no field may be as long as is refused by its place in the line.
          #expect(!error.path.isEmpty || text.utf8.count > Event.lineLimit, "\(what)")
          refused += 1
        }
        try check(world, what)
      }
    }
    #expect(refused > places.count, "\(refused) refused, \(taken) taken")
  }
}
