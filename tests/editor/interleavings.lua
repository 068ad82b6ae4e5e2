-- Somebody types in three files while hunks of a proposal are accepted there, in random order and at any moment. Every
-- change that is not typed has to turn exactly one call into the other, and nothing else: a byte more or less is wrong.
-- Run by tests/editor/run-neovim; the last line is `N passed, M failed`. INTERLEAVINGS: how many hunks are made at least;
-- SEED: what was printed by a run that failed.

local workspace = vim.uv.fs_realpath(assert(os.getenv('WORKSPACE')))
local server = assert(os.getenv('TAGOUT'))
local WANTED = tonumber(os.getenv('INTERLEAVINGS') or 20)
local SEED = tonumber(os.getenv('SEED') or os.time())
local PATIENCE = 60000 -- milliseconds: a bound on a hang, nothing is timed
local FILES, CALLS, LONGEST = 3, 6, 60
local begun = vim.uv.hrtime()

math.randomseed(SEED)

local function finish(passed, failed)
  io.stdout:write(string.format('%d passed, %d failed\n', passed, failed))
  io.stdout:flush()
  os.exit(failed == 0 and 0 or 1)
end

local function fail(what, detail)
  io.stdout:write(string.format('FAIL  %s (SEED=%d)\n      %s\n', what, SEED, (vim.inspect(detail):gsub('\n', '\n      '))))
  finish(0, 1)
end

local function name(file) return string.format('%s/src/many%d.rs', workspace, file) end

for file = 1, FILES do
  local lines = { string.format('fn many%d() {', file) }
  for call = 1, CALLS do
    vim.list_extend(lines, { string.format('    one(%d, %d); // 😀 ä', file, call), '', '' })
  end
  table.insert(lines, '}')
  vim.fn.writefile(lines, name(file))
end

for _, arguments in ipairs({ { 'trust' }, { 'mode', 'workspace-write' } }) do
  local done = vim.system(vim.list_extend({ server }, arguments), { cwd = workspace }):wait()
  if done.code ~= 0 then fail('the workspace is made ready', done) end
end

local messages = {}
vim.lsp.handlers['window/showMessage'] = function(_, params) table.insert(messages, params.message) end
vim.notify = function(text) table.insert(messages, tostring(text)) end
vim.opt.swapfile = false
vim.opt.hidden = true
vim.cmd('filetype on')
vim.lsp.config('tagout', { cmd = { server, 'lsp' }, filetypes = { 'rust' }, root_dir = workspace })
vim.lsp.enable('tagout')

-- What each buffer held after its last change, and whether it is us who type.
local shadow, typing, wrong, made = {}, false, {}, 0
local from, to = 'one', 'two'

local function is_the_change(before, after)
  if #before ~= #after then return false end
  local changed = 0
  for index, line in ipairs(before) do
    if line ~= after[index] then
      changed = changed + 1
      if (line:gsub(from .. '%(', to .. '(')) ~= after[index] then return false end
    end
  end
  made = made + changed
  return true
end

local buffers = {}
for file = 1, FILES do
  vim.cmd.edit(name(file))
  local buffer = vim.api.nvim_get_current_buf()
  buffers[file] = buffer
  shadow[buffer] = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  vim.api.nvim_buf_attach(buffer, false, {
    on_lines = function(_, _, _, first, last, new_last)
      local now = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
      local before = vim.list_slice(shadow[buffer], first + 1, last)
      local after = vim.list_slice(now, first + 1, new_last)
      if not typing and not is_the_change(before, after) then
        table.insert(wrong, { before = before, after = after })
      end
      shadow[buffer] = now
    end,
  })
end

local client
if not vim.wait(PATIENCE, function()
  client = vim.lsp.get_clients({ name = 'tagout' })[1]
  return client ~= nil and client.initialized
end, 25) then fail('Neovim starts the server', messages) end

local refused = 0
local function command(title, argument)
  client:exec_cmd({ title = title, command = title, arguments = { argument } }, { bufnr = buffers[1] }, function(failure)
    if failure then refused = refused + 1 end
  end)
end

-- Inserts a line, removes one that was typed, or writes on beside a call.
local typed = 0
local function type_something()
  local buffer = buffers[math.random(FILES)]
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  local at = math.random(#lines) - 1
  local line = lines[at + 1]
  typed = typed + 1
  typing = true
  -- Long files would only be slow.
  if line:find('^// typed') and (#lines > LONGEST or math.random(2) == 1) then
    vim.api.nvim_buf_set_lines(buffer, at, at + 1, false, {})
  elseif line:find('//', 1, true) and math.random(3) == 1 then
    vim.api.nvim_buf_set_text(buffer, at, #line, at, #line, { '!' })
  elseif #lines <= LONGEST then
    vim.api.nvim_buf_set_lines(buffer, at, at, false, { '// typed 🎉 ' .. typed })
  end
  typing = false
end

local function proposed()
  for index = #messages, 1, -1 do
    local id = messages[index]:match('^tagout: proposed .*; (%x+)%)$')
    if id then return id end
  end
end

local function left()
  local text = ''
  for _, buffer in ipairs(buffers) do
    text = text .. table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
  end
  return select(2, text:gsub(from .. '%(', ''))
end

local asked = 0
while made < WANTED do
  messages = {}
  command('tagout.rewrite', { pattern = from .. '($A, $B)', replacement = to .. '($A, $B)', language = 'rust', root = workspace })
  if not vim.wait(PATIENCE, proposed, 5) then fail('a rewrite is proposed', messages) end
  local id, rounds = proposed(), 0
  while left() > 0 do
    rounds = rounds + 1
    -- What its own lines were changed of is proposed anew.
    if rounds > 60 then
      command('tagout.reject', { changeset = id })
      break
    end
    for _ = 1, math.random(0, 3) do type_something() end
    asked = asked + 1
    command('tagout.accept', { changeset = id, file = math.random(FILES) - 1, hunk = math.random(CALLS) - 1 })
    for _ = 1, math.random(0, 2) do type_something() end
    vim.wait(math.random(0, 12), function() return #wrong > 0 end, 1)
    if #wrong > 0 then fail('only what was accepted changes', wrong) end
  end
  -- What was accepted before may still come.
  vim.wait(300, function() return false end)
  if left() == 0 then from, to = to, from end
end

io.stdout:write(string.format(
  'ok    no byte is wrong: %d times something was typed and a hunk accepted in %d files (%d things typed, %d refused, as it ' ..
    'was made already), %d hunks made, %d s\n',
  asked, FILES, typed, refused, made, (vim.uv.hrtime() - begun) / 1e9
))
finish(1, 0)
