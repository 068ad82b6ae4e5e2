--- What each subcommand of `:Tagout` does; the arguments are its words, or the rest of the line as one text.
local client = require('tagout.client')
local overviews = require('tagout.overview')

local M = {}

local MODES = { 'read-only', 'workspace-write', 'unrestricted' }

local function warn(text) client.say(text, vim.log.levels.WARN) end

local function identity(item) return item end

--- Everything of `list` in all overviews, each with its client.
local function all(list)
  local found = {}
  for _, one in ipairs(overviews.all()) do
    for _, item in ipairs(one.overview[list] or {}) do
      table.insert(found, { client = one.client, item = item })
    end
  end
  return found
end

--- The one of `list` whose `field` is `wanted`, or one that is chosen.
local function pick(list, field, wanted, prompt, show, chosen, none)
  local items = all(list)
  if wanted then
    items = vim.tbl_filter(function(one) return tostring(one.item[field]) == wanted end, items)
    none = ('there is no %s'):format(wanted)
  end
  client.choose(items, prompt, function(one) return show(one.item) end, chosen, none)
end

local function of_change(change)
  return ('%s, %s to review (%s)'):format(change.title, overviews.counted(change.pending, 'hunk', 'hunks'), change.changeset)
end

local function pick_change(wanted, chosen)
  pick('changes', 'changeset', wanted, 'Which changeset?', of_change, chosen, 'nothing waits for a review')
end

-- ## Reviewing -------------------------------------------------------------------------------------

function M.review(changeset) require('tagout.review').open(changeset) end

function M.changes()
  local items = {}
  for _, one in ipairs(all('changes')) do
    table.insert(items, {
      title = 'review: ' .. of_change(one.item),
      run = function() require('tagout.review').open(one.item.changeset) end,
    })
  end
  for _, one in ipairs(all('applied')) do
    local argument = { root = one.item.root, changeset = one.item.changeset }
    table.insert(items, {
      title = ('undo: %s (%s)'):format(one.item.title, one.item.changeset),
      run = function() client.send(one.client, 'tagout.undo', argument) end,
    })
  end
  if #items == 0 then return client.say('nothing waits for a review, and nothing can be undone') end
  client.select(items, 'Changesets', function(item) return item.title end, function(item) item.run() end)
end

--- The hunks that wait at the cursor, or in the whole file, as arguments of accept and reject.
local function at_cursor(part)
  local uri, line = vim.uri_from_bufnr(0), vim.api.nvim_win_get_cursor(0)[1] - 1
  local found = {}
  for _, one in ipairs(all('changes')) do
    for _, file in ipairs(one.item.files) do
      local here = file.uri == uri
      local title = ('%s: %s'):format(one.item.title, file.path)
      if here and part == 'file' and file.pending + file.stale > 0 then
        local argument = { changeset = one.item.changeset, file = file.file }
        table.insert(found, { client = one.client, argument = argument, title = title })
      end
      for _, hunk in ipairs(here and part == 'hunk' and file.hunks or {}) do
        local range = (hunk.state == 'pending' or hunk.state == 'stale') and hunk.range
        -- A range of whole lines ends where the next line starts.
        local last = range and math.max(range.start.line, range['end'].line - (range['end'].character == 0 and 1 or 0))
        if range and range.start.line <= line and line <= last then
          local argument = { changeset = one.item.changeset, file = file.file, hunk = hunk.hunk }
          table.insert(found, { client = one.client, argument = argument, title = title .. ': ' .. hunk.title })
        end
      end
    end
  end
  return found
end

local function decide(command, part)
  part = part or 'hunk'
  if part == 'all' then
    return pick_change(nil, function(one) client.send(one.client, command, { changeset = one.item.changeset }) end)
  end
  if part ~= 'hunk' and part ~= 'file' then return warn(('"%s" is none of hunk, file and all'):format(part)) end
  local none = part == 'hunk' and 'no hunk waits at the cursor' or 'nothing waits in this file'
  client.choose(at_cursor(part), 'Which one?', function(one) return one.title end, function(one)
    client.send(one.client, command, one.argument)
  end, none .. ': :Tagout review shows what does')
end

function M.accept(part) decide('tagout.accept', part) end

function M.reject(part) decide('tagout.reject', part) end

function M.diff(changeset)
  pick_change(changeset, function(one) client.send(one.client, 'tagout.showDiff', { changeset = one.item.changeset }) end)
end

--- Over a proposal; over the workspace as it is where none waits.
function M.check(changeset)
  if not changeset and #all('changes') == 0 then return client.execute('tagout.check') end
  pick_change(changeset, function(one)
    client.send(one.client, 'tagout.check', { root = one.item.root, changeset = one.item.changeset })
  end)
end

function M.undo(changeset)
  local function undo(one)
    client.send(one.client, 'tagout.undo', { root = one.item.root, changeset = one.item.changeset })
  end
  -- An older one than those that are told can be named too.
  local told = vim.iter(all('applied')):any(function(one) return one.item.changeset == changeset end)
  if changeset and not told then return client.execute('tagout.undo', { changeset = changeset }) end
  local show = function(item) return ('%s (%s)'):format(item.title, item.changeset) end
  pick('applied', 'changeset', changeset, 'Undo which changeset?', show, undo, 'nothing was applied that can be undone')
end

-- ## Asking for something --------------------------------------------------------------------------

function M.run(rest)
  local argument = {}
  while vim.startswith(rest, '--') do
    local flag, others = rest:match('^(%S+)%s*(.*)$')
    rest = others
    if flag == '--' then break end
    if flag == '--host' then
      argument.place = 'host'
    elseif flag == '--network' and rest ~= '' then
      local host
      host, rest = rest:match('^(%S+)%s*(.*)$')
      argument.network = vim.list_extend(argument.network or {}, { host })
    else
      return warn(('%s is no flag of run, or lacks its value: there are --host and --network HOST'):format(flag))
    end
  end
  local argv, problem = require('tagout.command').argv(rest)
  if not argv then return warn(problem) end
  if #argv == 0 then return warn('name a command: :Tagout run [--host] [--network HOST] COMMAND …') end
  argument.argv = argv
  client.execute('tagout.run', argument)
end

function M.rewrite(rest)
  local language, both = rest:match('^%-%-lang%s+(%S+)%s+(.*)$')
  local pattern, replacement = (both or rest):match('^(.-)%s*=>%s*(.*)$')
  if not pattern or pattern == '' then return warn('write :Tagout rewrite [--lang LANGUAGE] PATTERN => REPLACEMENT') end
  language = language or vim.bo.filetype
  if language == '' then return warn('this buffer has no language: name one with --lang') end
  client.execute('tagout.rewrite', { pattern = pattern, replacement = replacement, language = language })
end

function M.recipe(name, ...)
  local parameters = {}
  for _, word in ipairs({ ... }) do
    local key, value = word:match('^([^=]+)=(.*)$')
    if not key then return warn(('"%s" is no parameter: write NAME=VALUE'):format(word)) end
    parameters[key] = value
  end
  local function propose(recipe)
    client.execute('tagout.recipe', { recipe = recipe, parameters = next(parameters) and parameters or nil })
  end
  if name then return propose(name) end
  if client.current() then require('tagout.recipes').choose(propose) end
end

--- What was found becomes the quickfix list.
function M.search(question)
  if question == '' then return warn('write :Tagout search QUESTION') end
  client.execute('tagout.search', { query = question }, function(failure, found)
    if failure then return end
    local items = vim.tbl_map(function(one)
      local name = one.symbol and one.symbol .. ': ' or ''
      return { filename = vim.fs.joinpath(one.root, one.path), lnum = one.line, text = name .. (one.snippet or '') }
    end, found or {})
    vim.fn.setqflist({}, ' ', { title = 'tagout: ' .. question, items = items })
    if #items == 0 then return client.say('nothing was found') end
    vim.cmd('botright copen')
  end)
end

--- What a task needs to be seen, in a buffer of its own.
function M.pack(task)
  if task == '' then return warn('write :Tagout pack TASK') end
  client.execute('tagout.pack', { task = task }, function(failure, pack)
    if failure or type(pack) ~= 'table' then return end
    local lines = { '# ' .. task:gsub('%c', ' '), '' }
    for _, item in ipairs(pack.items or {}) do
      local language = vim.filetype.match({ filename = item.path }) or ''
      local fence = ('`'):rep(math.max(3, M.longest_fence(item.text) + 1))
      -- The name of a file may have line breaks, of which a buffer's line must have none.
      table.insert(lines, ('%s:%d-%d'):format(item.path:gsub('%c', '·'), item.startLine, item.endLine))
      vim.list_extend(lines, { '', fence .. language })
      vim.list_extend(lines, vim.split(item.text:gsub('\n$', ''), '\n', { plain = true }))
      vim.list_extend(lines, { fence, '' })
    end
    vim.cmd('botright new')
    vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
    vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
    vim.bo.filetype, vim.bo.modified = 'markdown', false
  end)
end

--- The longest run of backticks in a text, so that a longer one can stand around it.
function M.longest_fence(text)
  local longest = 0
  for run in text:gmatch('`+') do
    longest = math.max(longest, #run)
  end
  return longest
end

-- ## Deciding --------------------------------------------------------------------------------------

function M.approve(term) require('tagout.questions').approve(term) end

function M.deny(reason) require('tagout.questions').deny(reason) end

function M.answer() require('tagout.questions').answer() end

function M.mode(mode)
  if mode then return client.execute('tagout.setMode', { mode = mode }) end
  local connected, _, workspace = client.told()
  if not connected then return end
  local show = function(one) return one == workspace.mode and one .. ' (now)' or one end
  client.select(MODES, ('Mode of %s?'):format(workspace.name or 'the folder'), show, function(chosen)
    if chosen ~= workspace.mode then client.send(connected, 'tagout.setMode', { root = workspace.root, mode = chosen }) end
  end)
end

--- What is trusted is named before it is.
function M.trust()
  local connected, _, workspace = client.told()
  if not connected then return end
  if workspace.trust == 'trusted' then return client.say(('%s is trusted'):format(workspace.name)) end
  if not workspace.settings then return warn('the server has not told its settings yet: try again in a moment') end
  local files = #workspace.settings.files > 0 and table.concat(workspace.settings.files, ', ') or 'no settings of its own'
  local prompt = ('Trust %s, as it is now (%s)?'):format(workspace.folder, files)
  client.select({ 'trust it', 'no' }, prompt, identity, function(choice)
    if choice ~= 'trust it' then return end
    client.send(connected, 'tagout.trust', { root = workspace.root, settings = workspace.settings.hash })
  end)
end

--- The server names what can be taken back as code actions.
function M.revoke()
  local connected = client.current()
  if not connected then return end
  local params = vim.lsp.util.make_range_params(0, connected.offset_encoding)
  params.context = { diagnostics = {}, only = { 'source' } }
  connected:request('textDocument/codeAction', params, function(_, actions)
    local grants = vim.tbl_filter(
      function(action) return type(action.command) == 'table' and action.command.command == 'tagout.revoke' end,
      overviews.without_null(actions) or {}
    )
    client.choose(grants, 'Take back which approval?', function(grant) return grant.title end, function(grant)
      client.send(connected, 'tagout.revoke', grant.command.arguments[1])
    end, 'no approval of this session can be taken back; `tagout grants` lists the others')
  end)
end

function M.cancel(job)
  pick('jobs', 'job', job, 'Stop which job?', function(item) return item.title end, function(one)
    client.send(one.client, 'tagout.cancel', { job = one.item.job })
  end, 'nothing runs at the moment')
end

-- ## Looking ---------------------------------------------------------------------------------------

function M.output() client.execute('tagout.showOutput') end

function M.messages()
  local kept = require('tagout.messages').kept
  if #kept == 0 then return client.say('the server has said nothing yet') end
  vim.api.nvim_echo({ { table.concat(kept, '\n') } }, false, {})
end

function M.log() client.execute('tagout.log') end

function M.history() client.execute('tagout.history') end

function M.index() client.execute('tagout.index') end

function M.status()
  local connected, overview, workspace = client.current()
  if not connected then return end
  local lines = {
    ('%s %s: %s'):format('tagout', overview.version or '', workspace.folder or connected.root_dir or 'no folder'),
    ('mode %s, %s, index %s'):format(
      workspace.mode or '?',
      workspace.trust or '?',
      workspace.index and vim.trim(workspace.index.state .. ' ' .. workspace.index.message) or '?'
    ),
    ('%s to review, %s, %s that can be undone'):format(
      overviews.counted(overviews.sum(overview.changes, 'pending'), 'hunk', 'hunks'),
      overviews.counted(#(overview.questions or {}), 'question', 'questions'),
      overviews.counted(#(overview.applied or {}), 'changeset', 'changesets')
    ),
  }
  for _, job in ipairs(overview.jobs or {}) do
    table.insert(lines, 'runs: ' .. job.title)
  end
  vim.api.nvim_echo({ { table.concat(lines, '\n') } }, true, {})
end

-- ## The server itself -----------------------------------------------------------------------------

function M.open(folder) require('tagout.server').open(folder or vim.fn.getcwd()) end

function M.restart() require('tagout.server').restart() end

function M.stop() require('tagout.server').stop() end

return M
