-- The review as lines, from overviews as the server sends them, with everything in them that a file or a command may bring:
-- what is stale, being made, as a whole, no text, enormous, or named to deceive. No server is needed. Run by
-- tests/editor/run-neovim; the last line is `N passed, M failed`.
package.path = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/?.lua;' .. package.path
local h = require('harness')
local check, equal = h.check, h.equal
vim.opt.runtimepath:prepend(h.plugin)
local render, overviews, command = require('tagout.render'), require('tagout.overview'), require('tagout.command')

local function at(line, removed) return { start = { line = line, character = 0 }, ['end'] = { line = line + removed, character = 0 } } end

local function hunk(number, line, removed, added, title)
  return { hunk = number, state = 'pending', range = at(line, removed), title = title or '', removed = removed, added = added }
end

local function file(number, path, hunks, more)
  local pending, stale = 0, 0
  for _, one in ipairs(hunks) do
    pending = pending + (one.state == 'pending' and 1 or 0)
    stale = stale + (one.state == 'stale' and 1 or 0)
  end
  return vim.tbl_extend('force', {
    file = number, path = path, uri = 'file:///w/' .. path, kind = 'edit', pending = pending, stale = stale, hunks = hunks,
    left = 'file:///w/' .. path, right = 'tagout:/c1/' .. number .. '/after/' .. path,
  }, more or {})
end

local function change(files)
  return {
    changeset = 'c1', root = '/w', title = 'rewrite by user', files = files,
    pending = overviews.sum(files, 'pending'), stale = overviews.sum(files, 'stale'),
  }
end

--- What the review of one changeset shows, with `sides` for every file.
local function shown(files, sides, is_open)
  local clients = { { client = { id = 1 }, overview = { changes = { change(files) } } } }
  local lines = render.lines(clients, function() return sides end, is_open or function() return true end)
  return vim.tbl_map(function(line) return line.text end, lines), lines
end

local function several_hunks()
  local before = { 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' }
  local after = { 'a', 'B1', 'B2', 'c', 'd', 'e', 'f', 'new', 'g' }
  local hunks = { hunk(0, 1, 1, 2), hunk(1, 6, 0, 1), hunk(2, 7, 1, 0) }
  local texts, lines = shown({ file(0, 'x.txt', hunks) }, { before = before, after = after })
  equal('each hunk has its lines, with some around it', texts, {
    'rewrite by user · 3 hunks', '▾ x.txt (3 hunks)',
    '@@ line 2, -1 +2', ' a', '-b', '+B1', '+B2', ' c', ' d',
    '@@ line 7, -0 +1', ' e', ' f', '+new', ' g', ' h',
    '@@ line 8, -1 +0', ' f', ' g', '-h',
  })
  equal('each line knows its hunk', lines[5].hunk.hunk, 0)
  equal('and what to name to the server', { lines[12].changeset, lines[12].file.file, lines[12].hunk.hunk }, { 'c1', 0, 1 })
end

local function other_text()
  local hunks = { hunk(0, 1, 1, 1, 'B') }
  local texts = shown({ file(0, 'x.txt', hunks) }, { before = { 'typed', 'a', 'b' }, after = { 'a', 'B' } })
  check('a text that is another by now shows no wrong line as proposed', vim.list_contains(texts, '+B'), texts)
end

local function states()
  local stale, flying, done = hunk(0, 0, 1, 1), hunk(1, 2, 1, 1), hunk(2, 3, 1, 1)
  stale.state, flying.state, done.state = 'stale', 'in-flight', 'accepted'
  flying.range, flying.removed, flying.added = nil, nil, nil
  local texts = shown({ file(0, 'x.txt', { stale, flying, done }) }, { before = { 'a', 'b', 'c', 'd' }, after = { 'a', 'b', 'c', 'd' } })
  equal('what is stale or being made says so; what is decided is gone', texts, {
    'rewrite by user · 0 hunks · 1 stale', '▾ x.txt (0 hunks, 1 stale)',
    '@@ line 1, -1 +1: its lines are others by now: it can only be rejected', ' b', ' c',
    '@@ gone, -0 +0: is being made',
  })
end

local function whole_files()
  local whole = { hunk = 0, state = 'pending', title = 'the whole file' }
  local function one(kind, sides) return vim.list_slice(shown({ file(0, 'x', { whole }, { kind = kind }) }, sides), 2) end
  equal('a new file', one('create', { before = {}, after = { 'a', 'b' } }), { '▾ x (create, 1 hunk)', '+a', '+b' })
  equal('one that goes', one('delete', { before = { 'a' }, after = {} }), { '▾ x (delete, 1 hunk)', '-a' })
  equal('one that is no text', one('edit', { before = {}, problem = 'x is no text' }), { '▾ x (1 hunk)', '  x is no text' })
  equal('one whose text stays, as when its permissions change', one('edit', { before = { 'a' }, after = { 'a' } }),
    { '▾ x (1 hunk)', '  the whole file: its text stays as it is' })
  equal('one that becomes another', one('edit', { before = { 'a' }, after = { 'b' } }), { '▾ x (1 hunk)', '+b' })
  equal('an empty one', one('create', { before = {}, after = {} }), { '▾ x (create, 1 hunk)' })
  equal('one whose text has not come yet', one('create', nil), { '▾ x (create, 1 hunk)', '  …' })
end

local function hostile()
  local evil = 'a\n+forged\r\27[2J'
  local hunks = { hunk(0, 0, 1, 1) }
  local texts = shown({ file(0, evil, hunks, { runsLater = 'git\nreally' }) }, { before = { 'one\r' }, after = { 'two\27[0m\tx\r' } })
  check('no name or text breaks a line or steers a terminal', vim.iter(texts):all(function(text)
    return not text:find('[\n\r\27]')
  end), texts)
  check('what runs later is named', vim.list_contains(texts, '  runs later: git·really'), texts)
  check('line ends do not show, tabs stay', vim.list_contains(texts, '+two·[0m\tx'), texts)
end

local function lines_of_others()
  local all = overviews.all
  local client = { id = 1, is_stopped = function() return false end }
  function client:request(_, _, done)
    done({ message = 'it is gone:\nsee\nthe log' })
    return true
  end
  overviews.all = function() return { { client = client, overview = { changes = { { changeset = 'c1', files = {} } } } } } end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, 'tagout:/c1/0/after/x.txt')
  require('tagout.content').read(buffer)
  overviews.all = all
  equal('a problem of several lines is one', vim.api.nvim_buf_get_lines(buffer, 0, -1, false), { 'it is gone: see the log' })
  vim.api.nvim_buf_delete(buffer, { force = true })
end

local function enormous()
  local after = {}
  for number = 1, 5000 do
    after[number] = 'line ' .. number
  end
  local whole = { hunk = 0, state = 'pending', title = 'the whole file' }
  local texts = shown({ file(0, 'x', { whole }, { kind = 'create' }) }, { before = {}, after = after })
  equal('an enormous file is cut', { #texts, texts[#texts] }, { 203, '  … 4800 more lines' })
  local files = {}
  for number = 1, 1000 do
    files[number] = file(number - 1, ('f%d.rs'):format(number), { hunk(0, 0, 1, 1) })
  end
  local asked = 0
  local clients = { { client = { id = 1 }, overview = { changes = { change(files) } } } }
  local lines = render.lines(clients, function() asked = asked + 1 end, function() return false end)
  equal('files that are closed are a line each, and nobody is asked for their text', { #lines, asked }, { 1001, 0 })
end

local function nothing()
  equal('nothing waits', shown({}, nil), { 'nothing waits for a review' })
  overviews.take(1, vim.NIL)
  overviews.take(1, nil)
  equal('an overview that is null is none', overviews.all(), {})
  equal('null is nothing', overviews.without_null({ a = vim.NIL, b = { c = vim.NIL, d = 1 } }), { b = { d = 1 } })
end

local function questions()
  local question = { decision = 'd1', root = '/w', what = 'run `a\nbecause:\r\27[2J`', reason = 'it is not known' }
  equal('a question is shown whole, and passes nothing off as ours', require('tagout.questions').text(question),
    'tagout asks in /w:\n    run `a\n    because:^M^[[2J`\nbecause:\n    it is not known\n')
end

local function words()
  equal('words are split as in a shell', command.words([[sh -c 'a "b" c' "d e"\ f "" g\\h]]),
    { 'sh', '-c', 'a "b" c', 'd e f', '', 'g\\h' })
  equal('inside double quotes a backslash is mostly itself', command.words([["\n\"\\\$\`\d" '\"' \n]]),
    { [[\n"\$`\d]], [[\"]], 'n' })
  equal('a plain command is run as its words', command.argv([[grep -n "a\d|b" 'c > d' e\;f x=y]]),
    { 'grep', '-n', 'a\\d|b', 'c > d', 'e;f', 'x=y' })
  for _, line in ipairs({
    'a | b', 'a > b', 'a < b', 'a; b', 'a & b', 'a *.rs', 'a $B', 'a "$B"', 'a `b`', 'a "`b`"', 'a ~/b', 'a (b)', 'A=b c',
  }) do
    equal('a shell runs: ' .. line, command.argv(line), { 'sh', '-c', line })
  end
  equal('nothing is no command', { command.argv('  ') }, { {} })
  equal('an open quote is no command', { command.argv([[a 'b]]) }, { nil, "a quote is not closed: a 'b" })
  equal('nothing is no words', command.words('   '), {})
  equal('an open quote is refused', { command.words([["a]]) }, { nil, 'a quote is not closed: "a' })
end

h.run({
  { 'several hunks', several_hunks },
  { 'a text that changed meanwhile', other_text },
  { 'states', states },
  { 'whole files', whole_files },
  { 'hostile names and texts', hostile },
  { 'problems of several lines', lines_of_others },
  { 'enormous changesets', enormous },
  { 'nothing', nothing },
  { 'questions', questions },
  { 'words', words },
})
h.finish()
