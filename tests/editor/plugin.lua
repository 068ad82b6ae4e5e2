-- The plugin for Neovim over a real server: commands, completion, the review, the statusline, choices, the health check.
-- Run by tests/editor/run-neovim; the last line is `N passed, M failed`.
package.path = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/?.lua;' .. package.path
local h = require('harness')
local check, equal, eventually = h.check, h.equal, h.eventually
local rates, label = h.workspace .. '/src/rates.rs', h.workspace .. '/src/label.rs'
local original = { rates = h.read(rates), label = h.read(label) }

local function loaded()
  return vim.tbl_filter(function(name) return vim.startswith(name, 'tagout') end, vim.tbl_keys(package.loaded))
end

local function window_lines() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end

--- Types `keys` in the current window, with the mappings that are there.
local function press(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, true, true), 'mx', false)
end

local function is_review() return vim.bo.filetype == 'tagout' end

local function shown(plain)
  return vim.iter(window_lines()):any(function(line) return line:find(plain, 1, true) ~= nil end)
end

local function completions(line) return vim.fn.getcompletion(line, 'cmdline') end

local function loading()
  h.load()
  equal(':Tagout is there', vim.fn.exists(':Tagout'), 2)
  equal('statusline() says nothing where tagout is not', require('tagout').statusline(), '')
  equal('and loads nothing', loaded(), { 'tagout' })
end

local function starting()
  h.open(rates)
  if not check('the server is attached, and tells how it stands', h.attached(), h.messages) then h.finish() end
  local status = h.status()
  equal('a new folder is read-only', status.mode, 'read-only')
  equal('and untrusted', status.trust, 'untrusted')
  equal('the folder is the one with .git or .tagout.toml', status.folder, h.workspace)
  check('the statusline has the mode', require('tagout').statusline():find('tagout read-only', 1, true), require('tagout').statusline())
end

local function choosing()
  h.choices = { 'trust it' }
  vim.cmd('Tagout trust')
  check('the folder is trusted by a choice', eventually(function() return h.status().trust == 'trusted' end), h.messages)
  check('which names the folder', h.asked[#h.asked].prompt:find(h.workspace, 1, true), h.asked)
  h.choices = { 'workspace-write' }
  vim.cmd('Tagout mode')
  check('the mode is switched by a choice', eventually(function() return h.status().mode == 'workspace-write' end), h.messages)
  vim.cmd('Tagout mode read-only')
  check('and by name', eventually(function() return h.status().mode == 'read-only' end), h.messages)
  vim.cmd('Tagout mode workspace-write')
  check('and back', eventually(function() return h.status().mode == 'workspace-write' end), h.messages)
  h.choices = {}
  vim.cmd('Tagout mode')
  h.settle()
  equal('choosing nothing changes nothing', h.status().mode, 'workspace-write')
end

local function completing()
  local all = completions('Tagout ')
  local subcommands = vim.tbl_keys(require('tagout.command').SUBCOMMANDS)
  table.sort(subcommands)
  equal('every subcommand is completed', all, subcommands)
  equal('those that begin so', completions('Tagout re'), { 'recipe', 'reject', 'restart', 'review', 'revoke', 'rewrite' })
  equal('modes are completed', completions('Tagout mode w'), { 'workspace-write' })
  equal('parts are completed', completions('Tagout accept '), { 'hunk', 'file', 'all' })
  equal('what takes no argument completes nothing', completions('Tagout status '), {})
  for _, name in ipairs(subcommands) do
    check(name .. ' can be run', type(require('tagout.actions')[name]) == 'function')
  end
end

local function rewriting()
  local events = 0
  vim.api.nvim_create_autocmd('User', { pattern = 'TagoutChanged', callback = function() events = events + 1 end })
  vim.cmd('Tagout rewrite $A.unwrap_or(0) => $A.unwrap_or_default()')
  check('four hunks wait', eventually(function() return h.status().pending == 4 end), { h.status(), h.messages })
  check('User TagoutChanged told of it', events > 0)
  check('the statusline counts them', require('tagout').statusline():find('4 to review', 1, true), require('tagout').statusline())
  local change = require('tagout').overview().changes[1]
  equal('changesets are completed', completions('Tagout review '), { change.changeset })
end

local function reviewing()
  -- Twice, as somebody does who lost sight of it; what follows is about the second.
  vim.cmd('Tagout review')
  vim.cmd('Tagout review')
  h.settle()
  check('the review is a floating window', is_review() and vim.api.nvim_win_get_config(0).relative == 'editor')
  check('it shows what would go and what would come', eventually(function()
    return shown('-        let surcharge = self.surcharges.get("express").copied().unwrap_or(0);')
      and shown('+        let surcharge = self.surcharges.get("express").copied().unwrap_or_default();')
  end), window_lines())
  check('of all four', eventually(function()
    return h.count(table.concat(window_lines(), '\n'), '.unwrap_or_default()') == 4 + 1
  end), window_lines())
  local marks = vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true })
  local groups = {}
  for _, mark in ipairs(marks) do
    local line = window_lines()[mark[2] + 1]
    local sign = line:sub(1, 1)
    if sign == '+' or sign == '-' then groups[sign] = mark[4].line_hl_group end
  end
  equal('and is coloured as a diff', groups, { ['+'] = 'TagoutAdded', ['-'] = 'TagoutRemoved' })
  check('it cannot be edited', not vim.bo.modifiable)
  local first = vim.api.nvim_win_get_cursor(0)[1]
  press(']c')
  check(']c goes to the next hunk', vim.api.nvim_win_get_cursor(0)[1] > first)
  press('[c')
  equal('[c goes back', vim.api.nvim_win_get_cursor(0)[1], first)
end

local function deciding()
  h.go_to('surcharges.get("express")')
  press('a')
  local wanted = original.rates:gsub('%.unwrap_or%(0%)', '.unwrap_or_default()', 1)
  check('a accepts the hunk under the cursor', eventually(function() return h.text_of(rates) == wanted end), h.messages)
  check('it goes from the review by itself', eventually(function() return not shown('get("express")') end), window_lines())
  check('the cursor is at the one that took its place', vim.api.nvim_get_current_line():find('^@@'), vim.api.nvim_get_current_line())
  h.go_to('surcharges.get(&named)')
  press('r')
  check('r rejects one', eventually(function() return h.status().pending == 2 end), h.messages)
  equal('which changes nothing', h.text_of(rates), wanted)
  check('it goes from the review as well', eventually(function() return not shown('get(&named)') end), window_lines())
  h.go_to('src/label.rs')
  press('A')
  check('A accepts the whole file', eventually(function() return h.read(label) ~= original.label end), h.messages)
  check('one is left', eventually(function() return h.status().pending == 1 end), h.status())
  h.go_to('src/tracking.rs')
  press('za')
  check('za closes a file', not shown('last.zip'), window_lines())
  press('za')
  check('and opens it', eventually(function() return shown('last.zip') end), window_lines())
  h.go_to('-    last.zip')
  press('<CR>')
  check('<CR> opens the file', eventually(function() return vim.api.nvim_buf_get_name(0):find('tracking.rs', 1, true) end))
  check('at the hunk', vim.api.nvim_get_current_line():find('unwrap_or(0)', 1, true), vim.api.nvim_get_current_line())
  vim.cmd('Tagout reject file')
  check('what waits can be decided at the cursor too', eventually(function() return h.status().pending == 0 end), h.messages)
  vim.cmd('Tagout review')
  check('an empty review says so', shown('nothing waits'), window_lines())
  press('q')
  check('q closes it', not is_review())
end

local function comparing()
  vim.cmd('silent wall!')
  h.open(rates)
  vim.cmd('Tagout rewrite self.$A.get($B) => self.$A.fetch($B)')
  check('another proposal waits', eventually(function() return h.status().pending == 2 end), h.messages)
  vim.cmd('Tagout review')
  check('it is shown', eventually(function() return shown('fetch("express")') end), window_lines())
  h.go_to('fetch("express")')
  press('d')
  check('d opens both sides', eventually(function() return #vim.api.nvim_tabpage_list_wins(0) == 2 end))
  check('of which one is the proposed text', eventually(function() return shown('fetch("express")') end), window_lines())
  check('in the language of the file', vim.bo.filetype == 'rust' and vim.wo.diff, vim.bo.filetype)
  vim.cmd('tabclose')
  vim.cmd('Tagout diff')
  check('the diff opens as a file', eventually(function() return vim.api.nvim_buf_get_name(0):find('%.diff$') end), h.messages)
  vim.cmd('bdelete')
  h.open(rates)
  vim.cmd('Tagout reject all')
  check('all of it is rejected', eventually(function() return h.status().pending == 0 end), h.messages)
end

local function is_applied(name)
  return vim.iter(require('tagout').overview().applied):any(function(one) return one.title:find(name, 1, true) ~= nil end)
end

local function running()
  local told = #h.messages
  vim.cmd([[Tagout run sh -c 'printf "one\ntwo three\n" > written.txt']])
  eventually(function() return h.status().pending == 1 or h.was_told('the sandbox cannot be built', told) end)
  if h.was_told('the sandbox cannot be built', told) then
    return h.say('skipped: commands by the plugin (this machine has no sandbox)')
  end
  equal('what a command wrote waits', h.status().pending, 1)
  check('and is not written', h.read(h.workspace .. '/written.txt') == nil)
  vim.cmd('Tagout review')
  check('a new file shows as a whole', eventually(function() return shown('+two three') end), window_lines())
  h.go_to('written.txt')
  press('ga')
  check('ga accepts the changeset', eventually(function() return h.read(h.workspace .. '/written.txt') == 'one\ntwo three\n' end), h.messages)
  press('q')
  h.open(rates)
  vim.cmd('Tagout output')
  check('the output opens', eventually(function() return vim.api.nvim_buf_get_name(0):find('output.txt', 1, true) end), h.messages)
  h.open(rates)
  check('it can be undone', eventually(function() return is_applied('written.txt') end), require('tagout').overview().applied)
  h.choices = { 'written.txt' }
  vim.cmd('Tagout undo')
  check('undo takes the file away', eventually(function() return h.read(h.workspace .. '/written.txt') == nil end), h.messages)
end

--- What only a shell knows, and what changes no text.
local function piping()
  h.open(rates)
  local told = #h.messages
  vim.cmd([[Tagout run printf "a\nb\n" | tr ab cd > piped.txt]])
  eventually(function() return h.status().pending == 1 or h.was_told('the sandbox cannot be built', told) end)
  if h.was_told('the sandbox cannot be built', told) then return end
  vim.cmd('Tagout accept all')
  check('a pipe is run by a shell', eventually(function() return h.read(h.workspace .. '/piped.txt') == 'c\nd\n' end), h.messages)
  check('and can be undone', eventually(function() return is_applied('piped.txt') end), require('tagout').overview().applied)
  h.choices = { 'piped.txt' }
  vim.cmd('Tagout undo')
  check('which takes it away', eventually(function() return h.read(h.workspace .. '/piped.txt') == nil end), h.messages)
  vim.cmd('Tagout run chmod +x src/label.rs')
  check('other permissions wait as well', eventually(function() return h.status().pending == 1 end), h.messages)
  vim.cmd('Tagout review')
  check('and show no line as new', eventually(function() return shown('its text stays as it is') end), window_lines())
  press('gr')
  check('they are rejected', eventually(function() return h.status().pending == 0 end), h.messages)
  press('q')
end

local function asking()
  vim.cmd('Tagout mode unrestricted')
  check('the mode is raised', eventually(function() return h.status().mode == 'unrestricted' end), h.messages)
  local told = #h.messages
  vim.cmd([[Tagout run --host sh -c 'echo mine > from_host.txt']])
  check('a command on the host is asked about', eventually(function() return h.status().questions == 1 end), h.messages)
  check('which is announced with the command that answers', h.was_told(':Tagout approve', told), h.messages)
  check('terms are completed', vim.list_contains(completions('Tagout approve '), 'once'), completions('Tagout approve '))
  check('the statusline says so', require('tagout').statusline():find('1 question', 1, true), require('tagout').statusline())
  h.choices = { 'deny' }
  vim.cmd('Tagout answer')
  check('it is denied by a choice', eventually(function() return h.status().questions == 0 end), h.messages)
  h.settle()
  check('and did not run', h.read(h.workspace .. '/from_host.txt') == nil)
  -- Longer than any announcement, with what matters at its end.
  local padding = ('x'):rep(500)
  vim.cmd(([[Tagout run --host sh -c ': %s; echo mine > from_host.txt']]):format(padding))
  check('asked again', eventually(function() return h.status().questions == 1 end), h.messages)
  equal('each is announced once', h.times_told('tagout asks'), 2)
  equal('and not said again', h.times_told('waits for your decision'), 0)
  vim.cmd('Tagout approve forever')
  check('a term that is not offered is named', h.was_told('not forever'), h.messages)
  h.choices = {}
  vim.cmd('Tagout approve once')
  local dialog = h.asked[#h.asked]
  check('what is approved is shown whole', dialog.prompt:find(padding .. '; echo mine > from_host.txt', 1, true), dialog)
  equal('nothing of it is chosen by <CR>', dialog.default, 0)
  h.settle()
  equal('choosing nothing leaves it open', h.status().questions, 1)
  h.choices = { 'once' }
  vim.cmd('Tagout approve once')
  check('approved, it runs', eventually(function() return h.read(h.workspace .. '/from_host.txt') == 'mine\n' end), h.messages)
  vim.cmd('Tagout mode workspace-write')
  check('the mode is lowered', eventually(function() return h.status().mode == 'workspace-write' end), h.messages)
end

--- What needs more than one step to be seen: recipes, jobs that run, approvals that hold.
local function proposing()
  h.open(rates)
  local recipes = os.getenv('XDG_CONFIG_HOME') .. '/tagout/recipes'
  vim.fn.mkdir(recipes, 'p')
  h.write(recipes .. '/zero.yml', 'name: zero\ntitle: Say zero\nparameters:\n  - {name: by, description: how, default: unwrap_or}\n'
    .. 'steps:\n  - rewrite: {language: rust, pattern: $A.unwrap_or(0), replacement: "$A.{{by}}(zero())"}\n')
  equal('recipes are completed', completions('Tagout recipe z'), { 'zero' })
  h.choices = { 'Say zero' }
  vim.cmd('Tagout recipe')
  check('one is chosen', eventually(function() return h.status().pending > 0 end), { h.asked[#h.asked], h.messages })
  h.choices = { 'review: ' }
  vim.cmd('Tagout changes')
  check('changesets are listed, and one is opened', is_review() and eventually(function() return shown('unwrap_or(zero())') end))
  press('gr')
  check('gr rejects it', eventually(function() return h.status().pending == 0 end), h.messages)
  press('q')
  vim.cmd('Tagout recipe zero by=either')
  check('one is named, with a parameter', eventually(function()
    return vim.iter(require('tagout').overview().changes):any(function(change) return change.pending > 0 end)
  end), h.messages)
  vim.cmd('Tagout reject all')
  check('and rejected', eventually(function() return h.status().pending == 0 end), h.messages)
end

local function stopping()
  local told = #h.messages
  vim.cmd('Tagout run sleep 1000')
  eventually(function() return h.status().job ~= nil or h.was_told('the sandbox cannot be built', told) end)
  if h.was_told('the sandbox cannot be built', told) then return end
  check('what runs shows in the statusline', require('tagout').statusline():find('run sleep', 1, true), require('tagout').statusline())
  vim.cmd('Tagout cancel')
  check('and is stopped', eventually(function() return h.status().job == nil end), h.messages)
  vim.cmd('Tagout mode unrestricted')
  eventually(function() return h.status().mode == 'unrestricted' end)
  vim.cmd('Tagout run --host true')
  eventually(function() return h.status().questions == 1 end)
  h.choices = { 'session' }
  vim.cmd('Tagout approve session')
  check('an approval holds for the session', eventually(function() return h.status().questions == 0 end), h.messages)
  told = #h.messages
  eventually(function()
    vim.cmd('Tagout revoke')
    return eventually(function() return h.was_told('was taken back', told) end, 2000)
  end)
  check('and is taken back', h.was_told('was taken back', told), h.messages)
  vim.cmd('Tagout mode workspace-write')
  eventually(function() return h.status().mode == 'workspace-write' end)
  told = #h.messages
  vim.cmd('Tagout check')
  check('check says what came of it', eventually(function() return #h.messages > told end))
end

local function looking()
  vim.cmd('Tagout search how much does express delivery cost')
  check('what is found is the quickfix list', eventually(function()
    return vim.iter(vim.fn.getqflist()):any(function(item) return item.text:find('express_delivery_cost', 1, true) ~= nil end)
  end), vim.fn.getqflist())
  vim.cmd('cclose')
  h.open(rates)
  vim.cmd('Tagout pack express delivery')
  check('a pack is Markdown in a buffer', eventually(function() return vim.bo.filetype == 'markdown' and shown('```') end), h.messages)
  vim.cmd('bwipeout')
  h.open(rates)
  for _, page in ipairs({ 'log', 'history' }) do
    vim.cmd('Tagout ' .. page)
    check(page .. ' opens a page', eventually(function() return vim.api.nvim_buf_get_name(0) ~= rates end), h.messages)
    h.open(rates)
  end
  local said = vim.fn.execute('Tagout status')
  check('messages says what was said', vim.fn.execute('Tagout messages'):find('is now workspace-write', 1, true))
  check('status says how it stands', said:find('mode workspace-write, trusted', 1, true), said)
end

local function refusing()
  local wrong = {
    ['Tagout nonsense'] = 'there is no :Tagout nonsense',
    ['Tagout run'] = 'name a command',
    ['Tagout run --nowhere x'] = '--nowhere is no flag',
    ["Tagout run sh -c 'open"] = 'a quote is not closed',
    ['Tagout rewrite nothing'] = 'write :Tagout rewrite',
    ['Tagout accept'] = 'no hunk waits',
    ['Tagout accept some'] = 'none of hunk, file and all',
    ['Tagout approve'] = 'nothing is asked',
    ['Tagout cancel'] = 'nothing runs',
    ['Tagout cancel 99'] = 'there is no 99',
    ['Tagout diff c00'] = 'there is no c00',
    ['Tagout recipe x y'] = 'write NAME=VALUE',
    ['Tagout search'] = 'write :Tagout search',
    ['Tagout open /nowhere/at/all'] = 'there is no folder',
  }
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  for command, answer in vim.spairs(wrong) do
    local told = #h.messages
    local ok, problem = pcall(vim.cmd, command)
    check(command .. ' says what is wrong', ok and h.was_told(answer, told), { problem, vim.list_slice(h.messages, told + 1) })
  end
end

local function healthy()
  vim.cmd('checkhealth tagout')
  local text = table.concat(window_lines(), '\n')
  for _, plain in ipairs({ 'can be executed', 'version 0.', 'attached to', 'mode workspace-write, trusted', 'sandbox: ' }) do
    check('the health check says: ' .. plain, text:find(plain, 1, true) ~= nil, text)
  end
  check('and finds no error', not text:find('ERROR', 1, true), text)
  vim.cmd('bwipeout')
end

local function ending()
  equal('nothing was an error in the log', h.log_errors(), {})
  vim.cmd('Tagout stop')
  check('the server ends', eventually(function() return #vim.lsp.get_clients({ name = 'tagout' }) == 0 end))
  check('and the statusline is empty', eventually(function() return require('tagout').statusline() == '' end))
end

h.run({
  { 'the plugin is loaded', loading },
  { 'a file is opened', starting },
  { 'trust and mode are chosen', choosing },
  { 'the command line is completed', completing },
  { 'a rewrite is asked for', rewriting },
  { 'it is reviewed', reviewing },
  { 'hunks are decided', deciding },
  { 'sides are compared', comparing },
  { 'a command runs', running },
  { 'a pipe runs', piping },
  { 'a command on the host is asked about', asking },
  { 'recipes', proposing },
  { 'jobs and approvals', stopping },
  { 'things are looked up', looking },
  { 'what is wrong is said', refusing },
  { 'the health check', healthy },
  { 'the end', ending },
})
h.finish()
