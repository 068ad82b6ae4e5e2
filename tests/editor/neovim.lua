-- A person's session in Neovim, with nothing but its built-in LSP client: ask, review, switch the mode,
-- run, undo. What is checked is what stands in buffers and files, never what the server replies.
-- Run by tests/editor/run-neovim; the last line is `N passed, M failed`.

local workspace = vim.uv.fs_realpath(assert(os.getenv('WORKSPACE')))
local server = assert(os.getenv('TAGOUT'))
local PATIENCE = tonumber(os.getenv("PATIENCE") or 60000) -- milliseconds: a bound on a hang, nothing is timed

local passed, failed = 0, 0

local function say(...)
  io.stdout:write(string.format(...), '\n')
  io.stdout:flush()
end

local function check(name, ok, detail)
  if ok then
    passed = passed + 1
    say('ok    %s', name)
  else
    failed = failed + 1
    say('FAIL  %s%s', name, detail and ('\n      ' .. vim.inspect(detail):gsub('\n', '\n      ')) or '')
  end
  return ok
end

local function equal(name, got, wanted)
  return check(name, vim.deep_equal(got, wanted), { got = got, wanted = wanted })
end

local function eventually(condition, patience)
  return (vim.wait(patience or PATIENCE, condition, 25))
end

local function finish()
  say('%d passed, %d failed', passed, failed)
  os.exit(failed == 0 and 0 or 1)
end

-- ## Files and buffers ------------------------------------------------------------------------------

local function on_disk(name)
  local file = io.open(workspace .. '/' .. name, 'rb')
  if not file then return nil end
  local text = file:read('*a')
  file:close()
  return text
end

-- Every file of the workspace with its bytes.
local function tree()
  local all = {}
  for name, kind in vim.fs.dir(workspace, { depth = 9 }) do
    if kind == 'file' then all[name] = on_disk(name) end
  end
  return all
end

local function buffer_of(name)
  return vim.fn.bufnr('^' .. workspace .. '/' .. name .. '$')
end

local function open(name)
  local buffer = vim.fn.bufadd(workspace .. '/' .. name)
  vim.bo[buffer].buflisted = true
  vim.api.nvim_set_current_buf(buffer)
  return buffer
end

local function text_of(name)
  return table.concat(vim.api.nvim_buf_get_lines(buffer_of(name), 0, -1, false), '\n')
end

local function count(text, plain)
  local _, n = text:gsub(vim.pesc(plain), '')
  return n
end

-- Puts the cursor on the first line of `name` that holds `plain`.
local function go_to(name, plain)
  local lines = vim.api.nvim_buf_get_lines(open(name), 0, -1, false)
  for number, line in ipairs(lines) do
    local column = line:find(plain, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { number, column - 1 })
      return line
    end
  end
  error('no line with ' .. plain .. ' in ' .. name)
end

-- What tagout shows as proposed in `name`, as { line text, message }.
local function proposed(name)
  local buffer = vim.uri_to_bufnr(vim.uri_from_fname(workspace .. '/' .. name))
  local found = {}
  for _, item in ipairs(vim.diagnostic.get(buffer, { severity = vim.diagnostic.severity.INFO })) do
    if item.source == 'tagout' and item.message:find('proposed', 1, true) then
      local line = vim.api.nvim_buf_get_lines(buffer, item.lnum, item.lnum + 1, false)[1]
      table.insert(found, { line = line, message = item.message })
    end
  end
  return found
end

-- ## The client -------------------------------------------------------------------------------------

local messages, exit_code = {}, nil

local function was_told(plain, since)
  for index = since + 1, #messages do
    if messages[index]:lower():find(plain, 1, true) then return true end
  end
  return false
end

vim.lsp.handlers['window/showMessage'] = function(_, params)
  table.insert(messages, params.message)
end
-- A question that nobody answers: tagout must not need the answer.
vim.lsp.handlers['window/showMessageRequest'] = function(_, params)
  table.insert(messages, params.message)
  return vim.NIL
end
-- A prompt would end a script; nothing here needs one.
vim.ui.select = function(_, _, choose) choose(nil) end
vim.notify = function(text) table.insert(messages, tostring(text)) end

vim.opt.swapfile = false
vim.opt.hidden = true
vim.cmd('filetype on')

vim.lsp.config('tagout', {
  cmd = { server, 'lsp' },
  filetypes = { 'rust', 'python', 'markdown' },
  root_dir = workspace,
  on_exit = function(code) exit_code = code end,
})
vim.lsp.enable('tagout')

open('src/rates.rs')
if not check('Neovim starts the server and attaches', eventually(function()
  local client = vim.lsp.get_clients({ name = 'tagout' })[1]
  return client ~= nil and client.initialized
end), messages) then finish() end
local client = vim.lsp.get_clients({ name = 'tagout' })[1]

local function command(name, argument)
  client:exec_cmd({ title = name, command = name, arguments = { argument } }, { bufnr = 0 }, function(problem)
    if problem then table.insert(messages, problem.message) end
  end)
end

-- Titles of the code actions at the cursor.
local function titles()
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { triggerKind = 1, diagnostics = {} }
  local reply = client:request_sync('textDocument/codeAction', params, PATIENCE, 0)
  return vim.tbl_map(function(action) return action.title end, reply and reply.result or {})
end

local function fits(title, start, about)
  return vim.startswith(title, start) and title:find(about or '', 1, true) ~= nil
end

local function offers(start, about)
  return vim.iter(titles()):any(function(title) return fits(title, start, about) end)
end

-- Chooses the code action at the cursor whose title starts so and names what it is about, as a person would from
-- the menu.
local function act(start, about)
  eventually(function() return offers(start, about) end, 10000)
  local fitting = vim.tbl_filter(function(title) return fits(title, start, about) end, titles())
  if #fitting ~= 1 then
    check('one action is: ' .. start, false, titles())
    return false
  end
  vim.lsp.buf.code_action({ apply = true, filter = function(action) return fits(action.title, start, about) end })
  return true
end

-- Long enough for an edit that must not come; the checks after it are what counts.
local function settle()
  vim.wait(1500, function() return false end)
end

-- ## The session ------------------------------------------------------------------------------------

local steps = {}

local function step(name, run)
  table.insert(steps, { name = name, run = run })
end

step('a question finds code', function()
  local function ask(question)
    local answer
    local found = eventually(function()
      answer = nil
      vim.lsp.buf.workspace_symbol(question, { on_list = function(list) answer = list.items end })
      eventually(function() return answer ~= nil end, 1000)
      return answer ~= nil and #answer > 0
    end)
    if not found then return {} end
    -- Followed to where it leads, since a name alone proves nothing.
    local lines = {}
    for index = 1, math.min(3, #answer) do
      local file = vim.fn.readfile(answer[index].filename)
      vim.list_extend(lines, vim.list_slice(file, answer[index].lnum, answer[index].lnum + 4))
    end
    return lines
  end
  local function leads_to(name, question, plain)
    local lines = ask(question)
    check(name, vim.iter(lines):any(function(line) return line:find(plain, 1, true) ~= nil end), lines)
  end
  leads_to('a question in plain words leads to Rust code', 'how much does express delivery cost', 'express_delivery_cost')
  leads_to('another leads to Python code', 'is nothing delivered on this holiday', 'def is_holiday')
  leads_to('a symbol is found by its name', 'travel_time', 'fn travel_time')
end)

local original = tree()

step('a rewrite shows at each hunk', function()
  open('src/label.rs')
  open('src/rates.rs')
  command('tagout.rewrite', { pattern = '$A.unwrap_or(0)', replacement = '$A.unwrap_or_default()', language = 'rust' })
  check('diagnostics appear in the open files', eventually(function()
    return #proposed('src/rates.rs') == 2 and #proposed('src/label.rs') == 1
  end), { proposed('src/rates.rs'), proposed('src/label.rs'), messages })
  local hunks = vim.list_extend(proposed('src/rates.rs'), proposed('src/label.rs'))
  check('each stands on the line it would change', vim.iter(hunks):all(function(hunk)
    return hunk.line:find('.unwrap_or(0)', 1, true) ~= nil
  end), hunks)
  check('the file that is not open has one too', eventually(function() return #proposed('src/tracking.rs') == 1 end))
  equal('nothing has changed on disk', tree(), original)
end)

step('the diff can be read in any editor', function()
  go_to('src/rates.rs', '.unwrap_or(0)')
  if not act('tagout: show the diff') then return end
  local function shown()
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_get_name(buffer):find('%.diff$') and vim.api.nvim_buf_is_loaded(buffer) then
        return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
      end
    end
  end
  check('a .diff file opens', eventually(shown), messages)
  local diff = shown() or ''
  equal('it takes all four lines away', count(diff, '.unwrap_or(0)'), 4)
  equal('and puts four in their place', count(diff, '.unwrap_or_default()'), 4)
end)

step('read-only refuses', function()
  go_to('src/rates.rs', '.unwrap_or(0)')
  local told = #messages
  if not act('tagout: accept this hunk') then return end
  check('the refusal says why', eventually(function() return was_told('read-only', told) end), messages)
  settle()
  equal('the buffer is as it was', count(text_of('src/rates.rs'), '.unwrap_or(0)'), 2)
  equal('the disk is as it was', tree(), original)
end)

step('the workspace is trusted by a code action', function()
  go_to('src/rates.rs', '.unwrap_or(0)')
  if not act('tagout: trust this workspace, as its settings are now') then return end
  check('the menu then no longer offers it', eventually(function()
    return not offers('tagout: trust this workspace, as its settings are now')
  end), messages)
end)

step('the mode is switched by a code action', function()
  go_to('src/rates.rs', '.unwrap_or(0)')
  if not act('tagout: switch mode from read-only to workspace-write') then return end
  check('the menu then offers the way back', eventually(function()
    return offers('tagout: switch mode from workspace-write to read-only')
  end), messages)
end)

step('one hunk is accepted, another rejected', function()
  go_to('src/rates.rs', 'get("express")')
  if not act('tagout: accept this hunk') then return end
  local wanted = original['src/rates.rs']:gsub('%.unwrap_or%(0%)', '.unwrap_or_default()', 1):gsub('\n$', '')
  eventually(function() return text_of('src/rates.rs') == wanted end)
  equal('the buffer holds the one hunk and nothing else', text_of('src/rates.rs'), wanted)
  equal('the disk waits for :write', on_disk('src/rates.rs'), original['src/rates.rs'])
  check('one hunk is left there', eventually(function() return #proposed('src/rates.rs') == 1 end))

  go_to('src/rates.rs', 'get(&named)')
  if not act('tagout: reject this hunk') then return end
  check('the rejected hunk is gone', eventually(function() return #proposed('src/rates.rs') == 0 end))
  settle()
  equal('rejecting changed nothing', text_of('src/rates.rs'), wanted)
end)

step('the rest is accepted: an open file and a closed one', function()
  go_to('src/label.rs', '.unwrap_or(0)')
  if not act('tagout: accept the whole changeset', '$A.unwrap_or') then return end
  local label = original['src/label.rs']:gsub('%.unwrap_or%(0%)', '.unwrap_or_default()'):gsub('\n$', '')
  local tracking = original['src/tracking.rs']:gsub('%.unwrap_or%(0%)', '.unwrap_or_default()')
  eventually(function() return text_of('src/label.rs') == label and on_disk('src/tracking.rs') == tracking end)
  equal('the open file changed in its buffer, right of the emoji', text_of('src/label.rs'), label)
  equal('the closed file changed on disk', on_disk('src/tracking.rs'), tracking)
  vim.cmd('silent wall!')
  equal(':write brings the buffer to disk', on_disk('src/label.rs'), label .. '\n')
  check('nothing is left to review', eventually(function()
    return #proposed('src/label.rs') + #proposed('src/tracking.rs') + #proposed('src/rates.rs') == 0
  end))
end)

step('Windows line ends stay', function()
  local windows = original['tools/holidays.py']
  open('tools/report.py')
  command('tagout.rewrite', { pattern = 'print($A)', replacement = 'log($A)', language = 'python' })
  check('the hunk shows', eventually(function() return #proposed('tools/report.py') == 1 end), messages)
  go_to('tools/report.py', 'print(f"')
  if not act('tagout: accept the whole changeset', 'print($A)') then return end
  local wanted = windows:gsub('print%(', 'log(')
  eventually(function() return on_disk('tools/holidays.py') == wanted end)
  equal('a closed file differs in one word, and every line still ends in CRLF', on_disk('tools/holidays.py'), wanted)
  eventually(function() return text_of('tools/report.py'):find('log(f"', 1, true) ~= nil end)
  vim.cmd('silent wall!')

  open('tools/holidays.py')
  command('tagout.rewrite', { pattern = 'log($A)', replacement = 'print($A)', language = 'python' })
  check('the way back shows too', eventually(function() return #proposed('tools/holidays.py') == 1 end), messages)
  go_to('tools/holidays.py', 'log(')
  if not act('tagout: accept all hunks in this file') then return end
  eventually(function() return text_of('tools/holidays.py'):find('print(f"', 1, true) ~= nil end)
  vim.cmd('silent wall!')
  equal('an open file, written, is what it was to the byte', on_disk('tools/holidays.py'), windows)
end)

step('what changed since is not overwritten', function()
  -- The other file of that changeset still waits; a person now types over the hunk.
  go_to('tools/report.py', 'log(f"')
  check('the hunk shows', eventually(function() return #proposed('tools/report.py') == 1 end), messages)
  local mine = '        sys.stdout.write(f"{depot} has {count}\\n")'
  local line = vim.api.nvim_win_get_cursor(0)[1]
  vim.api.nvim_buf_set_lines(0, line - 1, line, false, { mine })
  settle()
  vim.api.nvim_win_set_cursor(0, { line, 8 })
  if offers('tagout: accept this hunk') then act('tagout: accept this hunk') end
  settle()
  equal('my line stands', vim.api.nvim_buf_get_lines(0, line - 1, line, false)[1], mine)
  equal('and the hunk is not in the file', count(text_of('tools/report.py'), 'print('), 0)
  vim.cmd('silent wall!')
end)

step('a comment asks for a rewrite', function()
  local buffer = open('src/lib.rs')
  vim.api.nvim_buf_set_lines(buffer, 0, 0, false, { '// tagout: rewrite $A.chars().count() => width($A)' })
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  if not act('tagout: propose') then return end
  check('it is proposed in another file', eventually(function() return #proposed('src/label.rs') > 0 end), messages)
  go_to('src/label.rs', '.chars().count()')
  local before = text_of('src/label.rs')
  if not act('tagout: reject the whole changeset', '$A.chars') then return end
  check('all of it can be rejected at once', eventually(function() return #proposed('src/label.rs') == 0 end))
  equal('and the file is as it was', text_of('src/label.rs'), before)
  vim.api.nvim_buf_set_lines(buffer, 0, 1, false, {})
end)

step('what a command writes is reviewed, accepted and undone', function()
  local mine = '- `depots.txt` is not written yet'
  local buffer = open('README.md')
  vim.cmd('silent wall!')
  vim.api.nvim_buf_set_lines(buffer, -1, -1, false, { mine })
  local typed = text_of('README.md') .. '\n'
  local before = tree()
  local told = #messages
  -- It fails unless it sees the line that has only been typed so far.
  local script = "grep -q 'not written yet' README.md && sed -i 's/last year/this year/' README.md"
    .. " && printf 'north\\nsouth\\n' > depots.txt"
  command('tagout.run', { argv = { 'sh', '-c', script } })
  local function refused() return was_told('the sandbox cannot be built', told) end
  eventually(function() return #proposed('README.md') == 1 or refused() end)
  if #proposed('README.md') == 0 and refused() then
    say('skipped: a command in the editor (this machine has no sandbox: %s)', messages[#messages])
    equal('without a sandbox nothing ran', tree(), before)
    return
  end
  equal('the change is proposed where it would be made', #proposed('README.md'), 1)
  equal('the workspace is untouched', tree(), before)
  equal('so is what I typed', text_of('README.md') .. '\n', typed)

  go_to('README.md', 'last year')
  if not act('tagout: accept the whole changeset', 'grep') then return end
  local readme = typed:gsub('last year', 'this year')
  eventually(function() return on_disk('depots.txt') ~= nil and text_of('README.md') .. '\n' == readme end)
  equal('the edited file changed in its buffer, beside what I typed', text_of('README.md') .. '\n', readme)
  equal('the created file is on disk', on_disk('depots.txt'), 'north\nsouth\n')
  vim.cmd('silent wall!')
  equal(':write brings both to disk', on_disk('README.md'), readme)

  open('README.md')
  if not act('tagout: undo the last applied changeset') then return end
  eventually(function() return on_disk('depots.txt') == nil and text_of('README.md') .. '\n' == typed end)
  vim.cmd('silent wall!')
  before['README.md'] = typed
  equal('undo puts every file back, and leaves what I typed', tree(), before)
end)

for _, item in ipairs(steps) do
  say('-- %s', item.name)
  local ok, problem = xpcall(item.run, debug.traceback)
  if not ok then check(item.name .. ' runs to its end', false, problem) end
end

say('-- the server ends')
client:stop()
check('it exits by itself with code 0', eventually(function() return exit_code ~= nil end) and exit_code == 0, exit_code)
finish()
