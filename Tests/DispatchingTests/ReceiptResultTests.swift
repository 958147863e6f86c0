import Bytes
import Dispatching
import Events
import Testing

@Suite("Results of a receipt")
struct ReceiptResultTests {
  private func results(_ events: some Sequence<Event>) -> [String] {
    ReceiptResult.all(of: events.map(\.payload)).map { result in
      String(decoding: JSON.object(result.document).canonicalBytes, as: UTF8.self)
    }
  }

  @Test("What a call came to follows from the events that it appended")
  func all() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    #expect(
      results(world.events) == [
        #"{"enrollments":0,"event_types":1,"opt_ins":0,"opt_outs":0,"outcome":"imported","#
          + #""programs":1,"user_groups":2,"users":3,"withdrawals":0}"#
      ])
    let before = world.events.count
    let dispatch = try world.request("07/01/2026 07:00", nil, #","mw":"1""#)
    try world.perform(
      #"{"command":"dispatch","request":{"start_time":"07/01/2026 07:00","program_id":9,"event_type_id":1}}"#
    )
    try world.change("end", dispatch)
    try world.importing(#"{"user_groups":[{"id":"n","name":"N"}]}"#)
    #expect(
      results(world.events[before...]) == [
        #"{"attributes":["mw"],"dispatch":"d-1","exclusions":0,"late":true,"modification":1,"#
          + #""open_ended":true,"outcome":"requested","reasons":[],"recipients":2,"test":false}"#,
        #"{"dispatch":"d-2","outcome":"rejected","reasons":[{"code":"unknown-program","#
          + #""field":"program_id","message":"program 9 is not defined"}]}"#,
        #"{"dispatch":"d-1","exclusions":0,"modification":2,"outcome":"ended","reasons":[],"#
          + #""recipients":2,"superseded":2}"#,
        #"{"enrollments":0,"event_types":0,"opt_ins":0,"opt_outs":0,"outcome":"imported","#
          + #""programs":0,"user_groups":1,"users":0,"withdrawals":0}"#,
      ])
  }

  @Test("What is attempted is no part of any receipt; a result is where a call brings it")
  func delivery() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    try world.request("07/01/2026 18:00")
    let before = world.events.count
    try world.send(try world.decider.planNotices(limit: 9) { _ in true })
    #expect(world.events.count > before)
    let made = world.events[before...]
    #expect(results(made.filter { $0.type != .deliveryRecorded }).isEmpty)
    #expect(results(made).count == made.count { $0.type == .deliveryRecorded })
  }
}
